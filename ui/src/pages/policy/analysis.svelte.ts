// The core's analysis of the draft: requested after each change, with a short delay while the user types; the
// answer to the latest request counts. A part of the model, which alone starts it.

import type { Failure, MatrixView, PolicyCards, PolicyView } from '../../api'
import { asFailure } from '../../api/host'
import { analyze, type Ask, type Question } from './requests'

const moment = 60

/** The last picture that a valid text gave. */
export interface Picture {
  text: string
  policy: PolicyCards
  matrix: MatrixView
}

export interface AnalysisOptions {
  ask: Ask
  /** The draft as it is now. */
  question: () => Question
  /** The requests that follow the analysis of a text, as long as it is the latest. */
  then: (view: PolicyView, isLatest: () => boolean) => Promise<void>
}

export class Analysis {
  readonly #options: AnalysisOptions
  #view = $state.raw<PolicyView | null>(null)
  #picture = $state.raw<Picture | null>(null)
  #failure = $state.raw<Failure | null>(null)
  #round = 0
  /** The text that `view` is of. */
  #of: string | null = null
  #asking: { text: string; done: Promise<void> } | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: AnalysisOptions) {
    this.#options = options
  }

  /** Of the draft, or of an earlier text until the core answers. */
  get view(): PolicyView | null {
    return this.#view
  }
  get picture(): Picture | null {
    return this.#picture
  }
  get failure(): Failure | null {
    return this.#failure
  }

  /** Forgets what was said of another draft. */
  begin(): void {
    this.stop()
    this.#view = this.#picture = null
    this.#failure = null
    this.#of = null
    this.#asking = null
  }

  /** Takes no answer any more. */
  stop(): void {
    this.#round += 1
    clearTimeout(this.#timer)
  }

  soon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.now(), moment)
  }

  async now(): Promise<void> {
    this.stop()
    const question = this.#options.question()
    const done = this.#ask(this.#round, question)
    this.#asking = { text: question.text, done }
    await done
  }

  /** Of the draft as it is now; null when the core cannot say. */
  async current(): Promise<PolicyView | null> {
    // Whoever types on is waited for, but not for ever.
    for (let round = 0; round < 100; round += 1) {
      const { text } = this.#options.question()
      if (this.#of === text) return this.#view
      if (this.#asking?.text === text) await this.#asking.done
      else await this.now()
      if (this.#failure) return null
    }
    return null
  }

  async #ask(round: number, question: Question): Promise<void> {
    const isLatest = () => round === this.#round
    try {
      const view = await analyze(this.#options.ask, question)
      if (!isLatest()) return
      this.#view = view
      this.#of = question.text
      this.#failure = null
      const { policy, matrix } = view
      if (policy && matrix) this.#picture = { text: question.text, policy, matrix }
      await this.#options.then(view, isLatest)
    } catch (thrown) {
      if (isLatest()) this.#failure = asFailure(thrown)
    }
  }
}
