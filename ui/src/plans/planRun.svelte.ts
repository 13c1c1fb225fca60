// A plan while it is shown and applied: its stage, and the actions that each stage allows. It calls no command
// itself; the actions of a kind are passed in.
//
//   shown        apply -> running
//   running      progress; stop (requested once) -> running until it ends
//   stopped      nothing was sent; apply
//   written      the end
//   not_written  apply, unless something else was changed meanwhile or the plan is gone
//   unknown      look, which reads what is there now

import type { Failure } from '../api'
import { asFailure, newCall } from '../api/host'
import type { Plan, PlanEnd, PlanFound, PlanProgress, PlanStage, PlanState } from './plan'

/** What carries a plan out. Each rejects with a `Failure`; `code` is that of an MFA device, used once. */
export interface PlanActions {
  apply(options: {
    call: string
    code: string | null
    report: (progress: PlanProgress) => void
  }): Promise<PlanEnd>
  stop(call: string): Promise<void>
  /** Reads what is there, after an unknown outcome. */
  look(code: string | null): Promise<PlanFound>
  /** Whether a plan was not written because something else was changed since it was made. */
  hasMoved(failure: Failure | null): boolean
}

/** Failures after which it is unknown whether anything was sent: the answer was lost on its way to the page. */
const lost = ['host_gone', 'internal', 'page_failed']

export class PlanRun implements PlanState {
  readonly plan: Plan
  readonly #actions: PlanActions
  #stage = $state<PlanStage>('shown')
  #progress = $state.raw<PlanProgress | null>(null)
  #furthest = $state(0)
  #end = $state.raw<PlanEnd | null>(null)
  #failure = $state.raw<Failure | null>(null)
  #trouble = $state.raw<Failure | null>(null)
  #found = $state.raw<PlanFound | null>(null)
  #stopping = $state(false)
  #looking = $state(false)
  #passed = $state(0)
  #call = ''
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(plan: Plan, actions: PlanActions) {
    this.plan = plan
    this.#actions = actions
  }

  get stage(): PlanStage {
    return this.#stage
  }
  get progress(): PlanProgress | null {
    return this.#progress
  }
  get furthest(): number {
    return this.#furthest
  }
  get end(): PlanEnd | null {
    return this.#end
  }
  /** Why it was not written, or why that is not known. */
  get failure(): Failure | null {
    return this.#failure
  }
  /** Why it could not be stopped, or the object could not be read. */
  get trouble(): Failure | null {
    return this.#trouble
  }
  /** What was there, after an unknown outcome was checked. */
  get found(): PlanFound | null {
    return this.#found
  }
  get isStopping(): boolean {
    return this.#stopping
  }
  get isLooking(): boolean {
    return this.#looking
  }
  /** How long it went on, in milliseconds. */
  get passed(): number {
    return this.#passed
  }
  get hasMoved(): boolean {
    return this.#actions.hasMoved(this.#failure)
  }
  get canApply(): boolean {
    if (this.#stage === 'shown' || this.#stage === 'stopped') return true
    return this.#stage === 'not_written' && !this.hasMoved && this.#failure?.code !== 'plan_gone'
  }

  /** Carries it out. */
  async apply(code: string | null = null): Promise<void> {
    if (!this.canApply) return
    this.#stage = 'running'
    this.#failure = this.#trouble = null
    this.#progress = this.#end = null
    this.#furthest = 0
    this.#stopping = false
    this.#call = newCall()
    const begun = performance.now()
    const pass = () => (this.#passed = performance.now() - begun)
    pass()
    this.#timer = setInterval(pass, 500)
    try {
      const report = (progress: PlanProgress) => this.#report(progress)
      this.#end = await this.#actions.apply({ call: this.#call, code, report })
      this.#failure = this.#end.error
      this.#stage = this.#end.outcome
    } catch (thrown) {
      this.#failure = asFailure(thrown)
      const isLost = lost.includes(this.#failure.code) || this.#furthest > 0
      this.#stage = isLost ? 'unknown' : 'stopped'
    } finally {
      this.dispose()
      pass()
    }
  }

  #report(progress: PlanProgress): void {
    this.#progress = progress
    this.#furthest = Math.max(this.#furthest, progress.step)
  }

  /** Asks it to stop before the next step. */
  async stop(): Promise<void> {
    if (this.#stage !== 'running' || this.#stopping) return
    this.#stopping = true
    this.#trouble = null
    try {
      await this.#actions.stop(this.#call)
    } catch (thrown) {
      this.#stopping = false
      this.#trouble = asFailure(thrown)
    }
  }

  /** Reads what is there. */
  async look(code: string | null = null): Promise<void> {
    if (this.#stage !== 'unknown' || this.#looking) return
    this.#looking = true
    this.#trouble = null
    try {
      this.#found = await this.#actions.look(code)
    } catch (thrown) {
      this.#trouble = asFailure(thrown)
    } finally {
      this.#looking = false
    }
  }

  /** Stops counting time; a call that was begun continues. */
  dispose(): void {
    clearInterval(this.#timer)
  }
}
