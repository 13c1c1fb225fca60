import { expect, test } from 'vitest'
import type { RunReport } from './api'
import { brief, bytes, command, duration, halves, share } from './format'
import { cut, sentence } from './words'

function run(change: Partial<RunReport>): RunReport {
  return {
    v: 1,
    run: '1-abc',
    status: 'succeeded',
    source: 'web',
    from: '/in',
    to: '/lake',
    started: '2026-11-22T14:30:00Z',
    finished: '2026-11-22T14:30:08Z',
    bytes_in: 1,
    batches: 1,
    events: { received: 0, written: 0, duplicate: 0, rejected: 0 },
    tables: [],
    rejected: [],
    discards: [],
    files: { taken: 0, unchanged: 0, ignored: 0, damaged: [] },
    dead_letters: null,
    notices: [],
    phases: [],
    error: null,
    ...change,
  }
}

test.each([
  [{ received: 5, written: 5, duplicate: 0, rejected: 0 }, 'All 5 events are in the lake.'],
  [
    { received: 48_212, written: 47_761, duplicate: 451, rejected: 0 },
    '47,761 new events are in the lake; 451 were duplicates.',
  ],
  [
    { received: 3, written: 0, duplicate: 3, rejected: 0 },
    'All 3 events were in the lake already.',
  ],
  [
    { received: 10, written: 8, duplicate: 1, rejected: 1 },
    '9 of 10 events are in the lake. 1 line could not be read as events; they are kept.',
  ],
])('%o', (events, said) => {
  expect(sentence(run({ events }))).toBe(said)
})

test('a run without events says why', () => {
  const files = { taken: 0, unchanged: 2, ignored: 0, damaged: [] }
  expect(sentence(run({ files }))).toBe(
    'Nothing new: 2 files that went in before have not changed.',
  )
  expect(sentence(run({}))).toBe('There were no events to take.')
})

test('numbers in few characters', () => {
  expect([9_999, 482_000, 999_600, 5_149_000, 66_500_000].map(brief)).toEqual([
    '9,999',
    '482 k',
    '1.0 M',
    '5.1 M',
    '67 M',
  ])
  expect([0, 999, 1_000, 12_300_000].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '12 MB'])
  expect([84, 8_100, 65_000, 3_660_000].map(duration)).toEqual([
    '84 ms',
    '8.1 s',
    '1 min 5 s',
    '1 h 1 min',
  ])
  expect(
    [
      [0, 9],
      [1, 900],
      [899, 900],
      [9, 9],
    ].map(([a, b]) => share(a!, b!)),
  ).toEqual(['0 %', '< 1 %', '99 %', '100 %'])
})

test('a command line holds whatever a name holds', () => {
  expect(command('headgate', 'tables', 'show', 'web.a', '--lake', '/srv/lake')).toBe(
    'headgate tables show web.a --lake /srv/lake',
  )
  expect(command('x', "it's; rm -rf ~", '')).toBe(`x 'it'\\''s; rm -rf ~' ''`)
})

test('a long path keeps its end', () => {
  expect(halves('/srv/lake/web_prod/order_completed').join('')).toBe(
    '/srv/lake/web_prod/order_completed',
  )
  expect(halves('/srv/lake/web_prod/order_completed')[1]).toBe('/web_prod/order_completed')
  expect(halves('/srv/a_file_with_a_name_that_is_much_too_long_to_show')[1]).toHaveLength(28)
  expect(halves('short')).toEqual(['', 'short'])
})

test('a part of a value says so, with the size of the whole where that is known', () => {
  expect([{}, { cut: false, bytes: 9 }, { cut: true }].map(cut)).toEqual(['', '', 'Cut.'])
  expect(cut({ cut: true, bytes: 12_345_678 })).toBe('Cut, 12,345,678 bytes in all.')
})
