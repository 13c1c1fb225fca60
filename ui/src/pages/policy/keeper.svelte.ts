// Saves the draft in the core: shortly after each change, and at once when the page is left. A part of the model.

import type { Failure, KeptDraft } from '../../api'
import { asFailure } from '../../api/host'
import type { PolicySession } from './session.svelte'

const moment = 250

export class Keeper {
  readonly #session: PolicySession
  readonly #draft: () => KeptDraft
  #failure = $state.raw<Failure | null>(null)
  #unkept = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(session: PolicySession, draft: () => KeptDraft) {
    this.#session = session
    this.#draft = draft
  }

  /** Why the draft is not kept beyond the window. */
  get failure(): Failure | null {
    return this.#failure
  }

  /** Nothing of another draft is to be kept any more. */
  begin(): void {
    clearTimeout(this.#timer)
    this.#unkept = false
    this.#failure = null
  }

  soon(): void {
    this.#unkept = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.now(), moment)
  }

  now(): void {
    clearTimeout(this.#timer)
    this.#unkept = false
    this.#session.keep(this.#draft()).then(
      () => (this.#failure = null),
      (thrown: unknown) => (this.#failure = asFailure(thrown)),
    )
  }

  /** Keeps what a moment would have kept. A page that is unloaded waits for nothing. */
  flush(goesAway = false): void {
    if (this.#unkept) this.now()
    if (goesAway) this.#session.hurry()
  }
}
