// Tests of the actions that are offered for an error.

import { expect, test } from 'vitest'
import type { Failure, RunReport } from './api'
import { fillAgain, forSync, forTable, onceMore, runAgain, standing } from './remedies'

function failure(code: string, retryable = false): Failure {
  return { code, message: 'No.', hint: null, field: null, retryable, trace: null }
}

test('a table that lacks rows is filled, one that refuses for good is given up', () => {
  expect(forTable(failure('table_behind'))).toBe('fill')
  for (const code of ['unsupported_table', 'table_changed', 'staged_file_missing', 'not_heard_of'])
    expect(forTable(failure(code))).toBe('give_up')
})

test('retryable errors have no remedy', () => {
  for (const code of ['table_waits', 'storage_unreachable'])
    expect(forTable(failure(code, true))).toBeNull()
})

test('the state of a table by its error', () => {
  expect(standing(failure('table_behind'))).toBe('Lacks rows')
  expect(standing(failure('unsupported_table'))).toBe('Refuses')
  expect(standing(failure('table_waits', true))).toBe('Waits')
})

test('a copied lake becomes its own, a busy one is tried again, others need other answers', () => {
  expect(forSync(failure('lake_copied'))).toBe('own_lake')
  expect(forSync(failure('lake_busy', true))).toBe('again')
  for (const code of ['lake_gone', 'path_not_found']) expect(forSync(failure(code))).toBeNull()
})

test('a run is asked for once more as it was, but not from standard input', () => {
  const asked = { from: '/in', to: '/lake', source: 'web', again: false, refill: null }
  const run = asked as RunReport
  expect(onceMore(run)).toEqual({
    from: '/in',
    to: '/lake',
    source: 'web',
    again: false,
    refill: null,
    columns: [],
    new_lake_id: false,
  })
  const refill = { ...run, again: true, refill: 'web.tracks' }
  expect(onceMore(refill)).toMatchObject({ again: true, refill: 'web.tracks' })
  expect(onceMore({ ...run, from: null })).toBeNull()
  expect(runAgain(run)).toEqual({
    from: '/in',
    lake: '/lake',
    source: 'web',
    again: null,
    refill: null,
  })
  expect(runAgain(refill)).toMatchObject({ again: '1', refill: 'web.tracks' })
})

test('a table is filled from files that are read again', () => {
  expect(fillAgain('/lake', 'web', 'web.tracks', '/in')).toEqual({
    from: '/in',
    lake: '/lake',
    source: 'web',
    again: '1',
    refill: 'web.tracks',
  })
  expect(fillAgain('/lake', 'web', 'web.tracks').from).toBeNull()
})
