// Tests of what is copied from a run's rejected lines and discarded values.

import { expect, test } from 'vitest'
import type { DiscardRow, RejectedLine } from '../../api'
import { lines, values } from './copies'

const letter = (raw: string | null, cut = false) =>
  ({
    file: 'a',
    line: 1,
    reason: 'not_json',
    raw,
    raw_base64: raw === null ? 'gA==' : null,
    cut,
  }) as RejectedLine

test('rejected lines are copied unchanged, cut ones left out', () => {
  const some = [letter('{"a":1'), letter(null), letter('long…', true), letter('x')]
  expect(lines(some)).toEqual({ text: '{"a":1\nx\n', count: 2 })
  expect(lines([])).toEqual({ text: '', count: 0 })
})

test('copying is limited to one call', () => {
  const { text, count } = lines(Array.from({ length: 10_000 }, () => letter('\u0001'.repeat(100))))
  expect(JSON.stringify(text).length).toBeLessThan(1_000_000)
  expect(count).toBeGreaterThan(1_000)
})

test('values are copied with their rows', () => {
  const discard = {
    schema: 'web',
    table: 'orders',
    column: 'price',
    value: 'free',
    row: 'm-1',
    reason: 'type_mismatch',
    received: '2026-11-21T00:00:01Z',
    cut: false,
  } as DiscardRow
  const { text, count } = values([discard, { ...discard, cut: true }])
  expect(count).toBe(2)
  const [first, second] = text
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one) as object)
  expect(first).toEqual({
    table_name: 'web.orders',
    row_id: 'm-1',
    column_name: 'price',
    column_value: 'free',
    reason: 'type_mismatch',
    received_at: '2026-11-21T00:00:01Z',
  })
  expect(second).toMatchObject({ cut: true })
})
