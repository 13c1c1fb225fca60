// The model of the policy page: the draft of a trust policy with its undo steps, its goals, and everything that
// the core reports about it. A page has one model, created for a profile and provided by context (`context.ts`).
// Components read its state freely, and change it only by the transitions below. A transition that is not allowed
// returns the reason and changes nothing. The core saves a draft for each role: `load` opens the latest with its
// steps, `openKept` another one, `close` saves what was not saved yet.
//
//   stage     meaning                                  transitions
//   loading   whether a draft is saved is not known    load, close
//   empty     no policy is open                        load, openRead, openPasted, openKept, close
//   pasted    a pasted policy                          those of a draft, nameRole
//   read      a role that was read from AWS            those of a draft, readAgain, meet, applied
//   drifted   AWS has another policy since             as read, and settle
//   closed    the page was left                        none; `applied` is passed on to the session
//
//   of a draft: openRead, openPasted, openKept, type, replace, edit, letIn, add, toggle, chooseForm, undo,
//   redo, discard, showTab, reveal, analyze, learn, keep, flush, close
//
// A transition that waits for the core continues with the draft as it is when the answer arrives: what was typed
// meanwhile is kept, and the core is called again. If another policy was opened meanwhile, it does nothing.
// `transitions.ts` has this table as code, `state.svelte.ts` the state, `draft.ts` the transitions of a draft;
// this file has those that open and close one, and those for changes in AWS.

import type {
  Applied,
  AwsAccess,
  Failure,
  KeptDraft,
  KeptPlan,
  KeptStep,
  PolicyView,
  RoleRead,
} from '../../api'
import { asFailure } from '../../api/host'
import { quoted } from '../../format'
import { Analysis } from './analysis.svelte'
import { PolicyDraft } from './draft'
import { goalsOf } from './goals'
import { Keeper } from './keeper.svelte'
import { historyOf, toKeep, writtenRole } from './keptDraft'
import { Planning } from './planning.svelte'
import { analyze, isSame, notARole, own, tooLong, type Ask } from './requests'
import type { PolicySession } from './session.svelte'
import { begin, mapped, type UndoHistory } from './undoHistory'

export interface PolicyModelOptions {
  ask: Ask
  session: PolicySession
  /** Says something worth knowing in passing. */
  note: (text: string) => void
}

export class PolicyModel extends PolicyDraft {
  readonly session: PolicySession
  protected readonly ask: Ask
  protected readonly analysis: Analysis
  protected readonly planning: Planning
  protected readonly keeper: Keeper
  readonly #note: (text: string) => void
  #loading: Promise<void> | null = null

  constructor({ ask, session, note }: PolicyModelOptions) {
    super()
    this.ask = ask
    this.session = session
    this.#note = note
    this.planning = new Planning(ask)
    this.keeper = new Keeper(session, () => this.#kept())
    this.analysis = new Analysis({
      ask,
      question: () => ({ text: this.text, base: this.base, facts: this.facts }),
      then: (view, isLatest) => this.#preview(view, isLatest),
    })
    session.hold(this)
  }

  // Transitions that begin and end a draft.

  /** Finds the draft that is kept. */
  async load(): Promise<Failure | null> {
    const refused = this.refuses('load')
    if (refused) return refused
    this.#loading ??= this.#load().finally(() => (this.#loading = null))
    await this.#loading
    return this.loadFailure
  }

  async #load(): Promise<void> {
    this.own.loadFailure = null
    try {
      const kept = await this.session.read()
      if (this.refuses('load')) return
      if (kept) this.#restore(kept)
      else this.own.place = 'empty'
    } catch (thrown) {
      if (this.refuses('load')) return
      this.own.loadFailure = asFailure(thrown)
      this.own.place = 'empty'
    }
  }

  #restore(kept: KeptDraft): void {
    this.own.read = kept.read
    this.own.named = kept.role ?? ''
    this.own.base = kept.base
    this.own.access = { ...kept.access, mfa_code: null }
    this.planning.prefer(kept.form)
    this.#begin(historyOf(kept), kept.planned ?? null)
    const { left } = this.session
    if (left?.base === kept.base && left.text === kept.text) {
      this.own.newer = left.newer
      this.own.tab = left.tab
    }
    if (this.session.isUnkept(this.role)) this.keeper.soon()
    void this.#learn()
  }

  /** Begins with a role that was read, or continues its saved draft. */
  async openRead(read: RoleRead, access: AwsAccess): Promise<Failure | null> {
    const refused = this.refuses('openRead')
    if (refused) return refused
    const role = read.role.arn
    if (!this.isOpen || this.role !== role) {
      const failure = await this.openKept(role)
      if (failure && failure.code !== gone.code) return failure
      if (failure) {
        const leave = this.#leaving()
        this.own.read = read
        this.own.named = ''
        this.own.access = { ...access, mfa_code: null }
        return this.#open(read.role.trust_policy, leave)
      }
      if (this.role !== role) return null
    }
    this.own.access = { ...access, mfa_code: null }
    // A policy that was pasted began from what was pasted.
    this.own.read ??= { ...read, role: { ...read.role, trust_policy: this.base } }
    this.own.named = ''
    return this.meet(read)
  }

  /** Begins with a text that was pasted. */
  async openPasted(text: string, role: string): Promise<Failure | null> {
    const refused = this.refuses('openPasted') ?? tooLong(text) ?? (role ? notARole(role) : null)
    if (refused) return refused
    const taken = await this.#taken(role)
    if (taken) return taken
    const leave = this.#leaving()
    this.own.read = null
    this.own.named = role
    return this.#open(text, leave)
  }

  /** Goes on with the draft of a role that is kept. */
  async openKept(role: string): Promise<Failure | null> {
    const refused = this.refuses('openKept')
    if (refused) return refused
    const isStill = this.watch()
    try {
      const kept = await this.session.read(role)
      if (!isStill()) return null
      if (!kept) return gone
      const leave = this.#leaving()
      this.#restore(kept)
      // The latest is the one that comes back.
      this.keeper.now()
      leave()
      return null
    } catch (thrown) {
      return asFailure(thrown)
    }
  }

  /** Saves the open draft, because another policy replaces it; an unchanged one is discarded. */
  #leaving(): () => void {
    if (!this.isOpen) return () => {}
    const was = this.role
    if (this.isUntouched) return () => this.#discardOf(was)
    this.keeper.flush()
    return () => {}
  }

  /** Discards the draft of a role, unless it is the one that is open. */
  #discardOf(role: string): void {
    // One that is left is in the list, and does no harm.
    if (role !== this.role) this.session.discard(role).catch(() => {})
  }

  /** Why a policy cannot be of a role: another draft of it would be lost. */
  async #taken(role: string): Promise<Failure | null> {
    if (this.isOpen && this.role === role) return null
    const isStill = this.watch()
    try {
      return (await this.session.has(role)) && isStill() ? taken(role) : null
    } catch (thrown) {
      return asFailure(thrown)
    }
  }

  async #open(text: string, leave: () => void): Promise<null> {
    this.own.base = text
    this.#begin(begin({ text, goals: [] }), null)
    this.keeper.soon()
    leave()
    const isStill = this.watch()
    await this.#learn(true)
    if (isStill()) this.keep()
    return null
  }

  #begin(history: UndoHistory<KeptStep>, plan: KeptPlan | null): void {
    this.opened += 1
    this.analysis.begin()
    this.keeper.begin()
    this.planning.begin(plan)
    this.own.history = history
    this.own.templates = []
    this.own.newer = this.own.revealed = null
    this.own.reading = false
    this.own.refusal = this.own.callersFailure = this.own.readFailure = null
    this.own.place = 'open'
    this.own.tab = this.isUntouched ? 'draft' : 'changes'
    void this.analyze()
  }

  /** Names the role that a pasted policy belongs to. */
  async nameRole(role: string): Promise<Failure | null> {
    const refused = this.refuses('nameRole') ?? notARole(role)
    if (refused) return refused
    const isStill = this.watch()
    const taken = await this.#taken(role)
    if (taken || !isStill()) return taken
    const was = this.role
    this.own.named = role
    this.own.refusal = null
    this.keeper.now()
    this.#discardOf(was)
    await this.#learn()
    await this.analyze()
    this.keeper.soon()
    return null
  }

  /** Asks again who may be let in. */
  async learn(): Promise<Failure | null> {
    const refused = this.refuses('learn')
    if (refused) return refused
    await this.#learn(this.goals.length === 0)
    return this.callersFailure
  }

  /** Asks who may be let in; with `afresh`, begins with the goals that this suggests. */
  async #learn(afresh = false): Promise<void> {
    const isStill = this.watch()
    const { base, facts } = this
    try {
      const asking = { role: this.role || null, text: base }
      const { templates } = await this.ask('policy_templates', asking)
      if (!isStill()) return
      this.own.templates = templates
      this.own.callersFailure = null
      if (!afresh) return
      const { policy } = await analyze(this.ask, { text: base, base, facts })
      if (!isStill()) return
      // They were there from the beginning, before anything that was typed meanwhile.
      const goals = goalsOf(templates, policy)
      this.own.history = mapped(this.own.history, (step) =>
        step.goals.length === 0 ? { ...step, goals } : step,
      )
      await this.analyze()
    } catch (thrown) {
      if (isStill()) this.own.callersFailure = asFailure(thrown)
    }
  }

  #preview(view: PolicyView, isLatest: () => boolean): Promise<void> {
    if (!view.matrix) return Promise.resolve()
    const { text, base, role, goals } = this
    const quota = this.read?.quota ?? null
    const lacks = this.missing.length > 0
    return this.planning.preview({ text, base, role, goals, quota, lacks }, isLatest)
  }

  /** Leaves the page: saves what is not saved yet, and accepts no more transitions. */
  close(): Failure | null {
    const refused = this.refuses('close')
    if (refused) return refused
    if (this.isOpen) {
      const { base, text, tab, newer } = this
      this.session.left = { base, text, tab, newer }
      this.keeper.flush()
    }
    this.analysis.stop()
    this.own.place = 'closed'
    this.opened += 1
    this.session.letGo(this)
    return null
  }

  // Transitions of what AWS has meanwhile.

  /** Reads the role again. What AWS has meanwhile is shown; a draft stays until it is settled. */
  async readAgain(mfaCode: string | null = null): Promise<Failure | null> {
    const refused = this.refuses('readAgain')
    if (refused || !this.read || this.isReading) return refused
    const isStill = this.watch()
    this.own.reading = true
    try {
      const access = { ...this.access, mfa_code: mfaCode }
      const read = await this.ask('role_read', { role: this.read.role.arn, access })
      if (!isStill()) return null
      this.own.readFailure = null
      await this.meet(read)
      return null
    } catch (thrown) {
      if (!isStill()) return null
      return (this.own.readFailure = asFailure(thrown))
    } finally {
      if (isStill()) this.own.reading = false
    }
  }

  /** Takes what a role has now, where the draft is of that role. */
  async meet(read: RoleRead): Promise<Failure | null> {
    const refused = this.refuses('meet')
    const was = this.read
    if (refused || was?.role.arn !== read.role.arn) return refused
    const isStill = this.watch()
    const text = read.role.trust_policy
    const isOne = read.role.role_id === was.role.role_id
    this.keeper.soon()
    if (isOne && text === this.base) {
      this.own.read = read
      this.own.newer = null
      return this.analyze()
    }
    const question = { text, base: this.text, facts: this.facts }
    const means = isOne && !this.isUntouched && (await isSame(this.ask, question))
    if (!isStill()) return null
    if (this.isUntouched || (means && this.text === question.base)) {
      const now = this.isUntouched
        ? 'another policy since; it is shown now'
        : 'the draft’s policy now'
      this.#rebase(read)
      this.step({ text })
      this.own.tab = 'draft'
      this.#note(`AWS has ${now}`)
    } else {
      this.own.newer = read
      this.own.tab = 'base'
    }
    return null
  }

  /** Takes what AWS has meanwhile as the base: with the callers planned again, the draft's text, or neither. */
  async settle(how: 'rebase' | 'keep' | 'discard'): Promise<Failure | null> {
    const refused = this.refuses('settle')
    const { newer } = this
    if (refused || !newer) return refused
    const isStill = this.watch()
    const text = newer.role.trust_policy
    if (how === 'rebase') {
      const failure = await this.planAt('base', ({ goals }) => ({ from: text, goals }))
      if (failure || !isStill() || this.newer !== newer) return failure
      this.#rebase(newer)
    } else {
      const goals = this.heldGoals()
      this.#rebase(newer)
      if (how === 'discard') this.step({ text, goals })
    }
    this.own.tab = this.isUntouched ? 'draft' : 'changes'
    this.keeper.soon()
    await this.analyze()
    return null
  }

  /** What was written is what AWS has. */
  async applied(applied: Applied): Promise<Failure | null> {
    const refused = this.refuses('applied')
    const { read } = this
    const isHere = read?.role.arn === applied.change.role
    // Somebody else has the draft by now, or only the core does.
    if (this.stage === 'closed' || (this.isOpen && !isHere)) await this.session.deliver(applied)
    if (refused || !isHere) return refused
    const role = writtenRole(read, applied)
    this.#rebase({ ...read, role })
    this.step({ text: role.trust_policy })
    this.own.tab = 'draft'
    return this.keep()
  }

  /** Another base, as AWS has it; a plan on the old one no longer counts. */
  #rebase(read: RoleRead): void {
    this.own.read = read
    this.own.base = read.role.trust_policy
    this.own.newer = null
    this.planning.rebase(this.base)
  }

  // Transitions of keeping.

  /** Keeps the draft beyond the window. */
  keep(): Failure | null {
    const refused = this.refuses('keep')
    if (!refused) this.keeper.now()
    return refused
  }

  /** Keeps what a moment would have kept, for a page that goes away. */
  flush(): Failure | null {
    const refused = this.refuses('flush')
    if (!refused) this.keeper.flush(true)
    return refused
  }

  /** Keeps what a moment would have kept, and waits for it. */
  async finish(): Promise<void> {
    if (!this.refuses('flush')) this.keeper.flush()
    await this.session.settled()
  }

  #kept(): KeptDraft {
    const { read, base, access } = this
    const { preferred: form, kept: planned } = this.planning
    const role = this.own.named || null
    return toKeep({ read, role, base, form, access, planned, history: this.own.history })
  }
}

/** There is no such draft any more. */
const gone: Failure = {
  ...own('That draft is no longer kept.', 'Read the role, or paste its policy.'),
  code: 'draft_gone',
}

/** A role, or no role, has a draft of its own. */
function taken(role: string): Failure {
  const hint = 'Open that draft, or remove it first.'
  return role
    ? own(`${quoted(role)} has a draft already.`, hint, 'role')
    : own('A policy that was pasted without its role has a draft already.', hint, 'role')
}
