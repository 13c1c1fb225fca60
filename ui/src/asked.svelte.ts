// A question to the core as a value that a page shows: waiting, answered or refused.

import { asFailure, type Failure } from './api'

export interface Asked<T> {
  readonly value: T | undefined
  readonly failure: Failure | undefined
  readonly loading: boolean
  /** Asks again; the old answer stays until the new one is there. */
  again(): void
}

/**
 * Asks when the component begins, and again whenever what `question` reads changes. A question that
 * returns nothing is not asked. `same` tells whether the old answer may stay meanwhile.
 */
export function asked<T>(question: () => Promise<T> | undefined, key?: () => string): Asked<T> {
  let value = $state.raw<T>()
  let failure = $state.raw<Failure>()
  let loading = $state(true)
  let round = $state(0)
  let last: string | undefined
  $effect(() => {
    void round
    const about = key?.()
    if (about !== last) {
      value = undefined
      last = about
    }
    const answer = question()
    let live = true
    loading = answer !== undefined
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
        loading = false
      },
      (thrown: unknown) => {
        if (!live) return
        failure = asFailure(thrown)
        loading = false
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
    get loading() {
      return loading
    },
    again() {
      round += 1
    },
  }
}
