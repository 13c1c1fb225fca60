// Undo and redo: past steps, the present, and undone steps. Typing within a short time is one step. Pure.
//
// Ours and not the editor's, because a step also has the goals, and is made by cards and fixes as well.

export interface UndoHistory<T> {
  /** The oldest first. */
  readonly past: readonly T[]
  readonly now: T
  /** The next first. */
  readonly future: readonly T[]
  /** When the last step was typed, in milliseconds; null for every other step. */
  readonly typed: number | null
}

/** So many steps can be undone. */
const most = 300
/** Keys within this time are one step, in milliseconds. */
const moment = 800

export function begin<T>(now: T): UndoHistory<T> {
  return { past: [], now, future: [], typed: null }
}

/** One step on. `typed` is the time of a key; keys within a moment join into one step. */
export function record<T>(
  history: UndoHistory<T>,
  now: T,
  typed: number | null = null,
): UndoHistory<T> {
  const joins = typed !== null && history.typed !== null && typed - history.typed < moment
  const past = joins ? history.past : [...history.past, history.now].slice(-most)
  return { past, now, future: [], typed }
}

/** The state before the last step; the same when there is none. */
export function undo<T>(history: UndoHistory<T>): UndoHistory<T> {
  const now = history.past.at(-1)
  if (now === undefined) return history
  const future = [history.now, ...history.future]
  return { past: history.past.slice(0, -1), now, future, typed: null }
}

/** The state that was undone last; the same when there is none. */
export function redo<T>(history: UndoHistory<T>): UndoHistory<T> {
  const [now, ...future] = history.future
  if (now === undefined) return history
  return { past: [...history.past, history.now], now, future, typed: null }
}

/** Every state as another. */
export function mapped<T>(history: UndoHistory<T>, as: (state: T) => T): UndoHistory<T> {
  const { past, now, future, typed } = history
  return { past: past.map(as), now: as(now), future: future.map(as), typed }
}

/** The steps nearest to now, back and forth in turn: so many at most, and together so large at most. */
export function nearest<T>(
  { past, future }: UndoHistory<T>,
  steps: number,
  room: number,
  size: (state: T) => number,
): { past: T[]; future: T[] } {
  const kept: { past: T[]; future: T[] } = { past: [], future: [] }
  const takes = (state: T | undefined): state is T => {
    if (state === undefined || steps < 1 || size(state) > room) return false
    steps -= 1
    room -= size(state)
    return true
  }
  // A step that does not fit hides those behind it.
  let [back, forth] = [true, true]
  for (let far = 0; back || forth; far += 1) {
    const before = past[past.length - 1 - far]
    back = back && takes(before)
    if (back) kept.past.unshift(before!)
    const after = future[far]
    forth = forth && takes(after)
    if (forth) kept.future.push(after!)
  }
  return kept
}
