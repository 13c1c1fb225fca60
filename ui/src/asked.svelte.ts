// A question to the core as a value that a page shows: waiting, answered or refused.

import { asFailure, type Failure } from './api'

export interface Asked<T> {
  readonly value: T | undefined
  readonly failure: Failure | undefined
  /** Asks again; the old answer stays until the new one is there. */
  again(): void
}

/**
 * Asks when the component begins, and again whenever what `question` reads changes. A question that
 * returns nothing is not asked. While `key` stays the same, the old answer, or why there was none, stays
 * until the new one is there.
 */
export function asked<T>(question: () => Promise<T> | undefined, key?: () => string): Asked<T> {
  let value = $state.raw<T>()
  let failure = $state.raw<Failure>()
  let round = $state(0)
  let last: string | undefined
  $effect(() => {
    void round
    const about = key?.()
    if (about !== last) {
      value = undefined
      failure = undefined
      last = about
    }
    const answer = question()
    let live = true
    if (!answer) {
      value = undefined
      failure = undefined
      return
    }
    answer.then(
      (got) => {
        if (!live) return
        value = got
        failure = undefined
      },
      (thrown: unknown) => {
        if (!live) return
        failure = asFailure(thrown)
      },
    )
    return () => {
      live = false
    }
  })
  return {
    get value() {
      return value
    },
    get failure() {
      return failure
    },
    again() {
      round += 1
    },
  }
}
