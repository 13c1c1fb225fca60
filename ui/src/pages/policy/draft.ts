// The part of the model that changes an open draft: its text, its goals, its form, and what is shown of it.
// Every change is one undo step.

import type { Edit, Failure, KeptGoal, KeptStep, PlanForm, Range } from '../../api'
import { asFailure } from '../../api/host'
import { leaving } from './forms'
import { held, removal, switched, withGoal } from './goals'
import { factsOf, filled, own, planOf, tooLong, type Ask } from './requests'
import type { Tab } from './session.svelte'
import { PolicyState, type Place } from './state.svelte'
import { refusalOf, type Transition } from './transitions'
import { record, redo, undo, type UndoHistory } from './undoHistory'

/** Where a plan begins, and for whom it is made. */
interface Source {
  from: string
  goals: KeptGoal[]
}

export abstract class PolicyDraft extends PolicyState {
  protected abstract readonly ask: Ask
  /** Which draft this is; answers for another one are dropped. */
  protected opened = 0

  // Transitions of the text.

  /** Takes the text as it was typed. */
  type(text: string): Failure | null {
    return this.refuses('type') ?? this.#write(text, performance.now())
  }

  /** Replaces the whole text. */
  replace(text: string): Failure | null {
    return this.refuses('replace') ?? this.#write(text, null)
  }

  #write(text: string, typed: number | null): Failure | null {
    if (text === this.text) return null
    return tooLong(text) ?? this.step({ text }, typed)
  }

  /** Changes the text by edits of the core. */
  async edit(edits: Edit[]): Promise<Failure | null> {
    return this.refuses('edit') ?? this.#edit(() => Promise.resolve({ edits }))
  }

  undo(): Failure | null {
    return this.refuses('undo') ?? this.#go(undo(this.own.history))
  }

  redo(): Failure | null {
    return this.refuses('redo') ?? this.#go(redo(this.own.history))
  }

  #go(history: UndoHistory<KeptStep>): null {
    if (history === this.own.history) return null
    this.own.history = history
    return this.#moved()
  }

  /** Goes back to where the draft began. */
  discard(): Failure | null {
    const refused = this.refuses('discard')
    if (refused) return refused
    this.planning.forget()
    return this.step({ text: this.base, goals: this.heldGoals() })
  }

  // Transitions of who gets in: each a plan of the core.

  /** Plans for all goals that are switched on and not allowed yet. */
  async letIn(): Promise<Failure | null> {
    const refused = this.refuses('letIn')
    if (refused) return refused
    const first = this.missing[0]?.goal.principal
    const at = first === undefined ? 'picture' : { caller: first }
    return this.planAt(at, (now) => ({ from: now.text, goals: now.goals }))
  }

  /** Adds one more goal, and plans. A refusal is returned to the caller. */
  async add(goal: KeptGoal): Promise<Failure | null> {
    const refused = this.refuses('add')
    if (refused) return refused
    return this.#plan(async ({ text, goals: others }) => {
      const goals = withGoal(others, goal)
      const facts = factsOf(this.role, this.read, goals)
      return { from: await filled(this.ask, { text, base: this.base, facts }), goals }
    })
  }

  /** Switches a caller on or off. */
  async toggle(principal: string, on: boolean): Promise<Failure | null> {
    const refused = this.refuses('toggle')
    if (refused) return refused
    if (on)
      return this.planAt({ caller: principal }, (now) => ({
        from: now.text,
        goals: switched(now.goals, principal, on),
      }))
    const failure = await this.#edit(async (now) => {
      const policy = (await this.analysis.current())?.policy
      const goals = switched(now.goals, principal, on)
      return { edits: policy ? removal(policy, goals, [principal]) : [], goals }
    })
    if (failure) this.own.refusal = { at: { caller: principal }, failure }
    return failure
  }

  /** Chooses the form: a draft that has another one is planned again. */
  async chooseForm(form: PlanForm): Promise<Failure | null> {
    const refused = this.refuses('chooseForm')
    if (refused) return refused
    const was = this.planning.preferred
    this.planning.prefer(form)
    this.keeper.soon()
    if (!this.form || this.form === form) return null
    const failure = await this.planAt('picture', (now) => this.#again(now, form), form)
    if (failure) this.planning.prefer(was)
    return failure
  }

  /** Where a plan in a form begins: at the last plan, or at the draft without those who are planned again. */
  async #again({ text, goals }: KeptStep, form: PlanForm): Promise<Source> {
    const plan = this.planning.of(text)
    if (plan) return plan
    const policy = (await this.analysis.current())?.policy
    const leave = policy ? leaving(policy, goals, this.role, form) : []
    if (!policy || leave.length === 0) throw nobodyToPlan
    const edits = removal(policy, goals, leave)
    return { from: (await this.ask('policy_edit', { text, edits })).text, goals }
  }

  // Transitions of what is shown.

  showTab(tab: Tab): Failure | null {
    const refused = this.refuses('showTab')
    if (!refused) this.own.tab = tab
    return refused
  }

  /** Shows a place of the draft's text. */
  reveal(range: Range): Failure | null {
    const refused = this.refuses('reveal')
    if (refused) return refused
    this.own.tab = 'draft'
    this.own.revealed = { ...range }
    return null
  }

  /** Asks the core what it says of the draft. */
  async analyze(): Promise<Failure | null> {
    const refused = this.refuses('analyze')
    if (refused) return refused
    await this.analysis.now()
    return this.analysisFailure
  }

  // What transitions are made of.

  /** Why a transition is not allowed now. */
  protected refuses(transition: Transition): Failure | null {
    return refusalOf(transition, this.stage)
  }

  /** Tells later whether this is still the draft that it is now. */
  protected watch(): () => boolean {
    const { opened } = this
    return () => opened === this.opened
  }

  /** The goals without those that came with the draft. */
  protected heldGoals(): KeptGoal[] {
    return held(this.goals, this.view?.matrix ?? null, this.templates)
  }

  /** One step on; `typed` is the time of a key. */
  protected step(change: Partial<KeptStep>, typed: number | null = null): null {
    const was = this.own.history.now
    const now = { ...was, ...change }
    if (now.text !== was.text || now.goals !== was.goals) {
      const begins = this.isUntouched && this.tab === 'draft' && typed === null
      this.own.history = record(this.own.history, now, typed)
      if (begins && !this.isUntouched) this.own.tab = 'changes'
    }
    return this.#moved(typed !== null)
  }

  #moved(typed = false): null {
    this.own.refusal = null
    if (typed) this.analysis.soon()
    else void this.analyze()
    this.keeper.soon()
    return null
  }

  /** Makes something of the draft as it is now, and takes it; again where the draft moved on meanwhile. */
  async #onNow<T>(
    make: (now: KeptStep) => Promise<T>,
    take: (made: T) => Failure | null,
  ): Promise<Failure | null> {
    const isStill = this.watch()
    try {
      for (;;) {
        const { now } = this.own.history
        const made = await make(now)
        if (!isStill()) return null
        if (this.own.history.now === now) return take(made)
      }
    } catch (thrown) {
      return isStill() ? asFailure(thrown) : null
    }
  }

  #edit(
    make: (now: KeptStep) => Promise<{ edits: Edit[]; goals?: KeptGoal[] }>,
  ): Promise<Failure | null> {
    return this.#onNow(
      async (now) => {
        const { edits, goals = now.goals } = await make(now)
        if (edits.length === 0) return { text: now.text, goals }
        const { text } = await this.ask('policy_edit', { text: now.text, edits })
        return { text, goals }
      },
      (step) => this.step(step),
    )
  }

  async #plan(
    make: (now: KeptStep) => Source | Promise<Source>,
    form = this.nextForm,
  ): Promise<Failure | null> {
    if (!this.role) return unnamed
    return this.#onNow(
      async (now) => {
        const { from, goals } = await make(now)
        const quota = this.read?.quota ?? null
        const input = { text: from, role: this.role, goals, form, quota }
        return { from, goals, ...(await planOf(this.ask, input)) }
      },
      ({ from, goals, after, refused }) => {
        if (refused) return { ...own(refused.message, 'Nothing is changed.'), code: refused.code }
        this.planning.took({ from, goals, after }, form)
        return this.step({ text: after, goals })
      },
    )
  }

  /** As `#plan`; a refusal is shown in a given place. */
  protected async planAt(
    at: Place,
    make: (now: KeptStep) => Source | Promise<Source>,
    form = this.nextForm,
  ): Promise<Failure | null> {
    const failure = await this.#plan(make, form)
    this.own.refusal = failure && { at, failure }
    return failure
  }
}

const unnamed = own(
  'Name the role that has this policy first.',
  'A plan says which role trusts whom; it changes nothing there.',
  'role',
)
const nobodyToPlan = own(
  'None of the callers that are asked for can be planned again in this form.',
  'Change the statements, or turn a caller on first.',
)
