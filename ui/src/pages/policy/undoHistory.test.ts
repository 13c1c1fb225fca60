// Tests of undo and redo.

import { expect, test } from 'vitest'
import { begin, mapped, nearest, record, redo, undo, type UndoHistory } from './undoHistory'

test('undo and redo, with typing as one step', () => {
  let history = begin('a')
  history = record(history, 'ab', 1_000)
  history = record(history, 'abc', 1_300)
  history = record(history, 'abcd', 5_000)
  expect(undo(history).now).toBe('abc')
  expect(undo(undo(history)).now).toBe('a')
  expect(undo(undo(undo(history))).now).toBe('a')
  expect(redo(undo(history))).toMatchObject({ now: 'abcd', future: [] })
  expect(record(undo(history), 'x').future).toEqual([])
  // A step between keys ends what they join into.
  expect(record(record(begin('a'), 'b'), 'bc', 10).past).toEqual(['a', 'b'])
})

test('the number of undo steps is limited', () => {
  let history = begin(0)
  for (let step = 1; step <= 400; step += 1) history = record(history, step)
  expect(history.past).toHaveLength(300)
  expect(history.past.at(-1)).toBe(399)
  expect(mapped(undo(history), (step) => step + 1)).toMatchObject({ now: 400, future: [401] })
})

const long: UndoHistory<string> = {
  past: ['1', '2', '3', '4'],
  now: 'now',
  future: ['6', '7', '8'],
  typed: null,
}
const size = (step: string) => step.length

test.each([
  [50, 100, ['1', '2', '3', '4'], ['6', '7', '8']],
  [3, 100, ['3', '4'], ['6']],
  [4, 100, ['3', '4'], ['6', '7']],
  [50, 3, ['3', '4'], ['6']],
  [0, 100, [], []],
  [50, 0, [], []],
])('of %i steps and %i characters those nearest to now are kept', (steps, room, past, future) => {
  expect(nearest(long, steps, room, size)).toEqual({ past, future })
})

test('what lies behind a step that does not fit is left out too', () => {
  const history = { ...long, past: ['1', 'much too long', '3', '4'] }
  expect(nearest(history, 50, 10, size)).toEqual({ past: ['3', '4'], future: ['6', '7', '8'] })
})
