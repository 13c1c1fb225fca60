// The state of the policy page's model, which components read. It is read-only to them; `model.ts` and `draft.ts`
// change it.

import type {
  AwsAccess,
  Facts,
  Failure,
  KeptGoal,
  KeptStep,
  PlanForm,
  PolicyView,
  Range,
  RoleRead,
  Template,
} from '../../api'
import type { Analysis, Picture } from './analysis.svelte'
import type { DraftForm } from './forms'
import { missing } from './goals'
import type { Keeper } from './keeper.svelte'
import type { Planning } from './planning.svelte'
import { factsOf, type PlanPreview } from './requests'
import type { Tab } from './session.svelte'
import type { Stage } from './transitions'
import { begin, type UndoHistory } from './undoHistory'

/** Where something was refused: beside a caller, over the picture, or where another base was to be taken. */
export type Place = { caller: string } | 'picture' | 'base'

/** Why something was not planned. */
export interface Refusal {
  at: Place
  failure: Failure
}

/** What the model changes. */
class Own {
  place = $state<'loading' | 'empty' | 'open' | 'closed'>('loading')
  read = $state.raw<RoleRead | null>(null)
  /** The ARN that a pasted policy belongs to, where the user named it. */
  named = $state('')
  base = $state('')
  access = $state.raw<AwsAccess>({ profile: null, region: null, mfa_code: null })
  history = $state.raw<UndoHistory<KeptStep>>(begin({ text: '', goals: [] }))
  templates = $state.raw<Template[]>([])
  newer = $state.raw<RoleRead | null>(null)
  reading = $state(false)
  refusal = $state.raw<Refusal | null>(null)
  loadFailure = $state.raw<Failure | null>(null)
  callersFailure = $state.raw<Failure | null>(null)
  readFailure = $state.raw<Failure | null>(null)
  tab = $state<Tab>('draft')
  revealed = $state.raw<Range | null>(null)
}

export abstract class PolicyState {
  protected readonly own = new Own()
  protected abstract readonly analysis: Analysis
  protected abstract readonly planning: Planning
  protected abstract readonly keeper: Keeper

  get stage(): Stage {
    if (this.own.place !== 'open') return this.own.place
    return this.own.newer ? 'drifted' : this.own.read ? 'read' : 'pasted'
  }
  get isOpen(): boolean {
    return this.own.place === 'open'
  }
  /** The role as it was read; none for a policy that was pasted. */
  get read(): RoleRead | null {
    return this.own.read
  }
  /** The role's ARN, as it was read or named; empty where it is not known. */
  get role(): string {
    return this.own.read?.role.arn ?? this.own.named
  }
  get access(): AwsAccess {
    return this.own.access
  }
  /** The text that the draft began from. */
  get base(): string {
    return this.own.base
  }
  get text(): string {
    return this.own.history.now.text
  }
  get goals(): KeptGoal[] {
    return this.own.history.now.goals
  }
  /** Whether the text is the one that the draft began from, byte for byte. */
  get isUntouched(): boolean {
    return this.text === this.own.base
  }
  get canUndo(): boolean {
    return this.own.history.past.length > 0
  }
  get canRedo(): boolean {
    return this.own.history.future.length > 0
  }
  get templates(): Template[] {
    return this.own.templates
  }
  /** The core's analysis of the draft; of an earlier text until the core answers. */
  get view(): PolicyView | null {
    return this.analysis.view
  }
  /** The last picture that a valid text gave. */
  get picture(): Picture | null {
    return this.analysis.picture
  }
  /** The goals that are switched on and not allowed. */
  get missing(): KeptGoal[] {
    return missing(this.goals, this.view?.matrix ?? null)
  }
  /**
   * The form that the draft has; the one chosen last where both would look alike; null until the core has
   * looked at it.
   */
  get form(): DraftForm | null {
    return this.view && this.planning.formOf(this, this.picture?.policy ?? null)
  }
  /** The form that the next plan takes. */
  get nextForm(): PlanForm {
    const { form } = this
    return form === null || form === 'custom' ? this.planning.preferred : form
  }
  /** What a plan would do in each form, for the callers of the last plan or for those who are missing. */
  get previews(): Record<PlanForm, PlanPreview> | null {
    return this.view?.matrix ? this.planning.previews : null
  }
  /** What AWS has meanwhile, when that is not what the draft began from. */
  get newer(): RoleRead | null {
    return this.own.newer
  }
  get isReading(): boolean {
    return this.own.reading
  }
  /** Why something was not planned, until the draft changes. */
  get refusal(): Refusal | null {
    return this.own.refusal
  }
  /** Why the draft that is kept could not be loaded. */
  get loadFailure(): Failure | null {
    return this.own.loadFailure
  }
  /** Why the core says nothing of the draft. */
  get analysisFailure(): Failure | null {
    return this.analysis.failure
  }
  /** Why nothing is known of who may be let in. */
  get callersFailure(): Failure | null {
    return this.own.callersFailure
  }
  /** Why the draft is not kept beyond the window. */
  get keepFailure(): Failure | null {
    return this.keeper.failure
  }
  /** Why the role could not be read again. */
  get readFailure(): Failure | null {
    return this.own.readFailure
  }
  get tab(): Tab {
    return this.own.tab
  }
  /** A place in the text to look at, in bytes. */
  get revealed(): Range | null {
    return this.own.revealed
  }
  /** What is known beside the text. */
  get facts(): Facts {
    return factsOf(this.role, this.own.read, this.goals)
  }
}
