// Undo and redo: what was, what is, what was taken back. Typing within a moment is one step.

export interface Steps<T> {
  readonly past: readonly T[]
  readonly now: T
  readonly future: readonly T[]
  /** When the last step was typed, in milliseconds; null for every other step. */
  readonly typed: number | null
}

/** So many steps can be taken back. */
const most = 300
/** Typing goes on for so long after a key, in milliseconds. */
const moment = 800

export function first<T>(now: T): Steps<T> {
  return { past: [], now, future: [], typed: null }
}

/** One step on. `typed` is the time of a key; keys within a moment join into one step. */
export function step<T>(steps: Steps<T>, now: T, typed: number | null = null): Steps<T> {
  const joins = typed !== null && steps.typed !== null && typed - steps.typed < moment
  const past = joins ? steps.past : [...steps.past, steps.now].slice(-most)
  return { past, now, future: [], typed }
}

/** The state before the last step; the same when there is none. */
export function back<T>(steps: Steps<T>): Steps<T> {
  const now = steps.past.at(-1)
  if (now === undefined) return steps
  return { past: steps.past.slice(0, -1), now, future: [steps.now, ...steps.future], typed: null }
}

/** The state that was taken back last; the same when there is none. */
export function forth<T>(steps: Steps<T>): Steps<T> {
  const [now, ...future] = steps.future
  if (now === undefined) return steps
  return { past: [...steps.past, steps.now], now, future, typed: null }
}
