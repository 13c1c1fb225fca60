// The draft of a trust policy: one text with its steps, the goals, and all that the core says of it.
// It lives as long as the window; the core keeps it beyond that. Nothing here talks to the page.

import {
  ask,
  asFailure,
  type AwsAccess,
  type Edit,
  type Facts,
  type Failure,
  type KeptDraft,
  type KeptGoal,
  type MatrixView,
  type PlanForm,
  type PolicyCards,
  type PolicyView,
  type RoleRead,
  type Template,
} from '../../api'
import { goalsOf, held, missing } from './goals'
import { factsOf, noRole, offerOf, tooLong, type Offer, type Wish } from './questions'
import { back, first, forth, step, type Steps } from './steps'

const lookMs = 60
const keepMs = 250

interface Now {
  text: string
  goals: KeptGoal[]
}

/** The last picture that a valid text gave. */
interface Picture {
  text: string
  policy: PolicyCards
  matrix: MatrixView
}

/** Why a caller was not let in, and which one. */
export interface Refusal {
  principal: string | null
  failure: Failure
}

class Draft {
  /** Whether it is known if a draft is kept. */
  ready = $state(false)
  open = $state(false)
  /** The role as it was read; none for a policy that was pasted. */
  read = $state.raw<RoleRead | null>(null)
  /** The ARN that a pasted policy belongs to, where a person named it. */
  named = $state('')
  base = $state('')
  form = $state<PlanForm>('separate')
  access = $state.raw<AwsAccess>({ profile: null, region: null, mfa_code: null })
  templates = $state.raw<Template[]>([])
  view = $state.raw<PolicyView | null>(null)
  picture = $state.raw<Picture | null>(null)
  failure = $state.raw<Failure | null>(null)
  /** Why the draft is not kept beyond the window. */
  keepFailure = $state.raw<Failure | null>(null)
  refusal = $state.raw<Refusal | null>(null)
  /** What both forms would do, where they differ or somebody is not in yet. */
  offers = $state.raw<Record<PlanForm, Offer> | null>(null)
  /** What AWS has meanwhile, when that is not what the draft began from. */
  newer = $state.raw<RoleRead | null>(null)
  reading = $state(false)
  readFailure = $state.raw<Failure | null>(null)
  /** The text that is shown: what changes, the draft, or where it began. */
  tab = $state<'changes' | 'draft' | 'base'>('draft')
  /** A place in the text to look at, in bytes. */
  reveal = $state.raw<{ start: number; end: number } | null>(null)

  #steps = $state.raw<Steps<Now>>(first({ text: '', goals: [] }))
  /** The last plan that was taken: from which text, for whom, and what came out. */
  planned: { from: string; goals: KeptGoal[]; after: string } | null = null
  #round = 0
  #looking: ReturnType<typeof setTimeout> | undefined
  #keeping: ReturnType<typeof setTimeout> | undefined

  get text(): string {
    return this.#steps.now.text
  }
  get goals(): KeptGoal[] {
    return this.#steps.now.goals
  }
  get role(): string {
    return this.read?.role.arn ?? this.named
  }
  get canUndo(): boolean {
    return this.#steps.past.length > 0
  }
  get canRedo(): boolean {
    return this.#steps.future.length > 0
  }
  /** The callers that are asked for and not allowed. */
  get missing(): KeptGoal[] {
    return missing(this.goals, this.view?.matrix ?? null)
  }

  /** Finds the draft that was kept. */
  async load(): Promise<void> {
    if (this.ready) return
    try {
      const { draft } = await ask('policy_draft', {})
      if (draft && !this.open) this.#restore(draft)
    } catch (thrown) {
      this.failure = asFailure(thrown)
    }
    this.ready = true
  }

  #restore(draft: KeptDraft): void {
    this.read = draft.read
    this.named = draft.role ?? ''
    this.base = draft.base
    this.form = draft.form
    this.access = { ...draft.access, mfa_code: null }
    this.#begin({ text: draft.text, goals: draft.goals })
    void this.learn()
  }

  #begin(now: Now): void {
    this.#steps = first(now)
    this.planned = null
    this.view = null
    this.picture = null
    this.offers = null
    this.refusal = null
    this.newer = null
    this.readFailure = null
    this.reveal = null
    this.open = true
    this.tab = now.text === this.base ? 'draft' : 'changes'
    void this.look()
  }

  /** Begins with a role that was read. */
  async takeRead(read: RoleRead, access: AwsAccess): Promise<void> {
    this.read = read
    this.named = ''
    this.access = { ...access, mfa_code: null }
    await this.#take(read.role.trust_policy)
  }

  /** Begins with a text that was pasted. Says why when it cannot be taken. */
  async takePasted(text: string, role: string): Promise<Failure | null> {
    const long = tooLong(text)
    if (long) return long
    const wrong = role ? noRole(role) : null
    if (wrong) return wrong
    this.read = null
    this.named = role
    await this.#take(text)
    return null
  }

  async #take(text: string): Promise<void> {
    this.base = text
    this.#begin({ text, goals: [] })
    await this.learn(true)
    this.keep()
  }

  /** Asks who may be let in; with `afresh`, begins with the goals that this suggests. */
  async learn(afresh = false): Promise<void> {
    const text = this.base
    try {
      const { templates } = await ask('policy_templates', { role: this.role || null, text })
      if (this.base !== text) return
      this.templates = templates
      if (!afresh) return
      const view = this.view ?? (await ask('policy_look', this.#question(text)))
      if (this.text !== text) return
      this.#steps = first({ text, goals: goalsOf(templates, view.policy) })
      await this.look()
    } catch (thrown) {
      this.failure = asFailure(thrown)
    }
  }

  /** What is known beside the text, with other goals than the draft's. */
  facts(goals: KeptGoal[]): Facts {
    return factsOf(this.role, this.read, goals)
  }

  #question(text: string): { text: string; base: string; facts: Facts } {
    return { text, base: this.base, facts: this.facts(this.goals) }
  }

  /** Asks the core what it says of the draft; the latest answer holds. */
  async look(): Promise<void> {
    clearTimeout(this.#looking)
    this.#round += 1
    const round = this.#round
    const { text } = this
    try {
      const view = await ask('policy_look', this.#question(text))
      if (round !== this.#round) return
      this.view = view
      this.failure = null
      const { policy, matrix } = view
      if (policy && matrix) this.picture = { text, policy, matrix }
      await this.#compare(round)
    } catch (thrown) {
      if (round === this.#round) this.failure = asFailure(thrown)
    }
  }

  #lookSoon(): void {
    clearTimeout(this.#looking)
    this.#looking = setTimeout(() => void this.look(), lookMs)
  }

  /** What a plan for some goals asks, but for the text. */
  wish(goals: KeptGoal[]): Wish {
    const { role, form } = this
    return { role, goals, form, quota: this.read?.quota ?? null }
  }

  /** What each form would do, for the callers of the last plan or for those who are not in yet. */
  async #compare(round: number): Promise<void> {
    const planned = this.planned?.after === this.text ? this.planned : null
    const goals = planned?.goals ?? this.goals
    const text = planned?.from ?? this.text
    if (!this.role || (!planned && this.missing.length === 0)) {
      this.offers = null
      return
    }
    const offer = (form: PlanForm) => offerOf({ ...this.wish(goals), text, form })
    const [separate, guide] = await Promise.all([offer('separate'), offer('guide')])
    if (round === this.#round) this.offers = { separate, guide }
  }

  /** One step on; `typed` is the time of a key. */
  step(change: Partial<Now>, typed: number | null = null): void {
    const was = this.#steps.now
    const untouched = was.text === this.base
    this.#steps = step(this.#steps, { ...was, ...change }, typed)
    this.refusal = null
    if (typed === null) {
      if (untouched && this.tab === 'draft' && this.text !== this.base) this.tab = 'changes'
      void this.look()
    } else {
      this.#lookSoon()
    }
    this.keepSoon()
  }

  /** The text as it was typed. Says why when it cannot be taken; then nothing has changed. */
  typed(text: string): Failure | null {
    if (text === this.text) return null
    const long = tooLong(text)
    if (long) return long
    this.step({ text }, performance.now())
    return null
  }

  undo(): void {
    this.#go(back(this.#steps))
  }

  redo(): void {
    this.#go(forth(this.#steps))
  }

  #go(steps: Steps<Now>): void {
    if (steps === this.#steps) return
    this.#steps = steps
    this.refusal = null
    void this.look()
    this.keepSoon()
  }

  /** Goes back to where the draft began. */
  discard(): void {
    this.planned = null
    this.step({ text: this.base, goals: this.held() })
  }

  /** The goals without those that came with the draft. */
  held(): KeptGoal[] {
    return held(this.goals, this.view?.matrix ?? null, this.templates)
  }

  /** Another base, as AWS has it; a plan on the old one no longer counts. */
  rebase(read: RoleRead): void {
    this.read = read
    this.base = read.role.trust_policy
    this.newer = null
    this.planned = null
  }

  /** Changes the text by edits of the core. Says why when that is not possible. */
  async edit(edits: Edit[], goals?: KeptGoal[]): Promise<Failure | null> {
    try {
      for (;;) {
        const { text } = this
        const answer = await ask('policy_edit', { text, edits })
        // Whoever typed meanwhile typed into the older text.
        if (this.text !== text) continue
        this.step(goals ? { text: answer.text, goals } : { text: answer.text })
        return null
      }
    } catch (thrown) {
      return asFailure(thrown)
    }
  }

  /** Replaces the whole text, as one step. */
  replace(text: string): void {
    if (text !== this.text) this.step({ text })
  }

  /** Names the role that a pasted policy belongs to. */
  async name(role: string): Promise<Failure | null> {
    const wrong = noRole(role)
    if (wrong) return wrong
    this.named = role
    this.refusal = null
    await this.learn()
    await this.look()
    this.keepSoon()
    return null
  }

  /** Shows a place of the draft's text. */
  show(range: { start: number; end: number }): void {
    this.tab = 'draft'
    this.reveal = { ...range }
  }

  /** Keeps the draft in a moment. */
  keepSoon(): void {
    clearTimeout(this.#keeping)
    this.#keeping = setTimeout(() => this.keep(), keepMs)
  }

  /** Keeps the draft beyond the window. */
  keep(): void {
    clearTimeout(this.#keeping)
    const { read, base, text, goals, form, access } = this
    const role = this.named || null
    const draft = this.open ? { read, role, base, text, goals, form, access } : null
    ask('policy_draft_keep', { draft }).then(
      () => (this.keepFailure = null),
      (thrown: unknown) => (this.keepFailure = asFailure(thrown)),
    )
  }

  /** Keeps what a moment would have kept. */
  flush(): void {
    if (this.open) this.keep()
  }
}

export const draft = new Draft()
