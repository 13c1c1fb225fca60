// Tests of the sentences about runs, attention and reasons.

import { expect, test } from 'vitest'
import type {
  Attention,
  ColumnType,
  EventCounts,
  Failure,
  Preview,
  PreviewColumn,
  RunReport,
  TableReport,
} from './api'
import { ago, brief, bytes, byName, command, duration, halves, share } from './format'
import {
  astray,
  attention,
  bestType,
  byHarm,
  cut,
  harm,
  leftOut,
  mixes,
  need,
  partOf,
  preview,
  reasons,
  sentence,
  shownStatus,
  sum,
} from './words'

function events(change: Partial<EventCounts>): EventCounts {
  return { received: 0, written: 0, duplicate: 0, rejected: 0, waiting: 0, lost: 0, ...change }
}

function failure(code: string, change: Partial<Failure> = {}): Failure {
  return { code, message: 'No.', hint: null, field: null, retryable: false, trace: null, ...change }
}

function table(name: string, code?: string): TableReport {
  return {
    schema: 'web',
    table: name,
    received: 1,
    written: 1,
    duplicate: 0,
    discarded: 0,
    merged: null,
    created: false,
    version: 3,
    columns_added: [],
    error: code ? failure(code) : null,
  }
}

function run(change: Partial<RunReport>): RunReport {
  return {
    v: 1,
    run: '1-abc',
    status: 'succeeded',
    source: 'web',
    from: '/in',
    to: '/lake',
    again: false,
    refill: null,
    started: '2026-11-22T14:30:00Z',
    finished: '2026-11-22T14:30:08Z',
    bytes_in: 1,
    batches: 1,
    events: events({}),
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

const nothingFound: Preview = {
  v: 1,
  events: { received: 0, duplicate: 0, rejected: 0 },
  tables: [],
  discards: [],
  damaged: [],
  notices: [],
  rejected: [],
  rejected_lines: [],
  ignored: 0,
  ignored_files: [],
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
    '9 of 10 events are in the lake. 1 line could not be read as an event; it is kept.',
  ],
])('%o', (counts, said) => {
  expect(sentence(run({ events: events(counts) }))).toBe(said)
})

const whole = events({ received: 704_608, written: 704_608 })
const removed = events({ received: 704_608, written: 469_223, lost: 235_385 })

test('a run with everything in the lake says so', () => {
  expect(sentence(run({ events: whole, tables: [table('tracks')] }))).toBe(
    'All 704,608 events are in the lake.',
  )
  for (const change of [
    { events: removed },
    { events: { ...whole, written: 704_600, waiting: 8 } },
    { events: whole, tables: [table('tracks', 'table_behind')] },
    { events: whole, tables: [table('tracks', 'unsupported_table')] },
    { events: whole, error: failure('lake_gone') },
    { events: events({ received: 3, duplicate: 3 }), tables: [table('tracks', 'table_behind')] },
  ]) {
    expect(sentence(run({ status: 'partial', ...change }))).not.toMatch(/\bAll\b/)
  }
})

test('what was in the lake and is gone is said with its number', () => {
  expect(sentence(run({ status: 'partial', events: removed }))).toBe(
    '469,223 of 704,608 events are in the lake. 235,385 events that had landed are gone.',
  )
  const all = events({ received: 1, lost: 1 })
  expect(sentence(run({ status: 'partial', events: all }))).toBe(
    '0 of 1 events are in the lake. 1 event that had landed is gone.',
  )
  const error = failure('lake_gone')
  expect(sentence(run({ status: 'partial', events: removed, error }))).toBe(
    'Broke off before the end. 469,223 events are in the lake. 235,385 events that had landed are gone.',
  )
  expect(sentence(run({ status: 'failed', events: all, error }))).toBe(
    'Failed. 1 event that had landed is gone.',
  )
  const waits = events({ received: 2, waiting: 2 })
  expect(sentence(run({ status: 'failed', events: waits, error }))).toBe(
    'Failed. Nothing had landed. 2 events are kept until a table takes them.',
  )
})

test('duplicates are not called landed where rows are missing', () => {
  const tables = [table('tracks', 'table_behind')]
  const before = events({ received: 3, duplicate: 3 })
  expect(sentence(run({ status: 'partial', events: before, tables }))).toBe(
    '3 events had landed before. `web.tracks` lacks rows that were written to it.',
  )
  const both = events({ received: 5, written: 2, duplicate: 3 })
  expect(sentence(run({ status: 'partial', events: both, tables }))).toBe(
    '2 of 5 events are in the lake. 3 events had landed before. `web.tracks` lacks rows that were written to it.',
  )
  expect(sentence(run({ status: 'partial', tables }))).toBe(
    'There were no events to take. `web.tracks` lacks rows that were written to it.',
  )
})

test('a table that refuses is named, or counted, and its part is kept', () => {
  const one = [table('users', 'unsupported_table'), table('tracks')]
  expect(sentence(run({ status: 'partial', events: whole, tables: one }))).toBe(
    '704,608 of 704,608 events are in the lake. `web.users` did not take its part; it is kept.',
  )
  const two = [table('users', 'table_changed'), table('tracks', 'unsupported_table')]
  expect(sentence(run({ status: 'partial', events: whole, tables: two }))).toContain(
    '2 tables did not take their part; it is kept.',
  )
  const waits = events({ received: 2, waiting: 2 })
  expect(sentence(run({ status: 'partial', events: waits, tables: one }))).toBe(
    '0 of 2 events are in the lake. 2 events are kept until a table takes them.',
  )
})

test('a run that fills a table names it, and says how much it lacked', () => {
  const refill = (change: Partial<RunReport>) =>
    sentence(run({ again: true, refill: 'web.tracks', ...change }))
  const some = events({ received: 4, written: 2, duplicate: 2 })
  expect(refill({ events: some })).toBe('Filled `web.tracks` only, with 2 events that it lacked.')
  expect(refill({ events: events({ received: 4, duplicate: 4 }) })).toBe(
    'Filled `web.tracks` only; it lacked none of the events.',
  )
  const rejected = { ...some, received: 5, rejected: 1 }
  expect(refill({ status: 'partial', events: rejected })).toBe(
    'Filled `web.tracks` only, with 2 events that it lacked. 1 line could not be read as an event; it is kept.',
  )
  expect(refill({ status: 'running', events: some })).toBe(
    '4 events so far. It fills `web.tracks` only.',
  )
})

test('a run that did not fill its table does not say so', () => {
  for (const change of [
    { status: 'failed' as const, error: failure('lake_busy') },
    { status: 'cancelled' as const, error: failure('cancelled') },
    { status: 'partial' as const, events: whole, error: failure('lake_gone') },
    { status: 'partial' as const, events: whole, tables: [table('tracks', 'unsupported_table')] },
    {},
  ]) {
    const said = sentence(run({ again: true, refill: 'web.tracks', ...change }))
    expect(said).not.toContain('Filled')
    expect(said).toMatch(/\. It was to fill `web\.tracks` only\.$/)
  }
})

test('given-up lines are not called unreadable', () => {
  const path = '/dead_letters/1-abc.ndjson'
  const here = { status: 'partial' as const, events: events({ received: 2, written: 2 }) }
  expect(sentence(run({ ...here, dead_letters: { path, count: 2 } }))).toBe(
    '2 of 2 events are in the lake. 2 lines were given up; they are kept.',
  )
  const rejected = [
    { reason: 'not_json', count: 2 },
    { reason: 'released', count: 1 },
  ]
  const nowhere = { ...here, events: events({ received: 5, written: 2, rejected: 3 }), rejected }
  for (const count of [1, 3])
    expect(sentence(run({ ...nowhere, dead_letters: { path, count } }))).toBe(
      '2 of 5 events are in the lake. 2 lines could not be read as events; they are kept. 1 line was given up; it is kept.',
    )
})

test('a sum shows waiting and lost events only when there are some', () => {
  const names = (counts: Partial<EventCounts>) => sum(events(counts)).parts.map(([name]) => name)
  expect(names({ received: 1, written: 1 })).toEqual(['Written', 'Duplicate', 'Rejected'])
  expect(names({ received: 1, waiting: 1 })).toContain('Waiting')
  expect(names({ received: 1, lost: 1 })).toContain('Lost')
})

test('a sum adds up when its parts are all that was received and nothing of it is gone', () => {
  const said = (counts: Partial<EventCounts>) => {
    const { holds, said } = sum(events(counts))
    return [holds, said]
  }
  expect(said({ received: 6, written: 3, duplicate: 2, rejected: 1 })).toEqual([true, 'Adds up'])
  expect(said({ received: 6, written: 3, waiting: 3 })).toEqual([true, 'Adds up'])
  expect(said(removed)).toEqual([false, '235,385 events that had landed are gone'])
  expect(said({ received: 6, written: 5 })).toEqual([false, 'Does not add up'])
  expect(said({ received: 6, written: 4, lost: 1 })).toEqual([
    false,
    'Does not add up; 1 event that had landed is gone',
  ])
})

test('a run needs a person for what is gone before what waits', () => {
  expect(attention(whole)).toBeNull()
  expect(attention(removed)).toEqual(['failed', '235,385 gone'])
  expect(attention(events({ received: 12, waiting: 12 }))).toEqual(['warning', '12 waiting'])
  expect(attention(events({ received: 9, waiting: 4, lost: 5 }))?.[0]).toBe('failed')
  expect(astray(whole)).toBe('')
})

test('a need says what a table lacks, and how many events are astray', () => {
  const of: Attention = {
    id: '1',
    kind: 'tables',
    run: '12-abc',
    source: 'web',
    count: 1,
    error: failure('table_behind', { message: '`web.tracks` is gone, and with it 9 rows.' }),
    on: 'web.tracks',
    events: removed,
    muted: false,
  }
  expect(need(of)).toEqual([
    '`web.tracks` lacks rows that were written to it.',
    '`web.tracks` is gone, and with it 9 rows.',
  ])
  expect(need({ ...of, events: events({ waiting: 2 }) })[1]).toBe(
    '`web.tracks` is gone, and with it 9 rows. 2 events are kept until a table takes them.',
  )
  expect(need({ ...of, kind: 'broke_off', error: failure('lake_gone') })).toEqual([
    'Run `12-abc` of `web` broke off after a part had landed.',
    'No. Run it again for the rest. 235,385 events that had landed are gone.',
  ])
  expect(need({ ...of, kind: 'failed', error: failure('lake_gone') })[1]).toBe(
    'No. 235,385 events that had landed are gone.',
  )
  expect(need({ ...of, count: 3, events: whole })[0]).toBe(
    '`web.tracks` lacks rows that were written to it, and 2 other tables need you too.',
  )
  expect(need({ ...of, error: failure('unsupported_table'), events: whole })[0]).toBe(
    '`web.tracks` refused its part of run `12-abc`.',
  )
  expect(need({ ...of, kind: 'rejected', error: null })[1]).not.toContain('gone')
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
  expect(halves('arn:aws:iam::123456789012:role/lake-writer', 18)[1]).toBe('/lake-writer')
  expect(
    halves('arn:aws:iam::414351767826:role/a-role-14S5ZJVKOTYTL-of-theirs', 18)[1],
  ).toHaveLength(18)
})

test('how long ago, to the minute or to the second', () => {
  const now = Date.parse('2026-11-22T14:32:12Z')
  const told = (at: string, toTheSecond?: boolean) => ago(at, now, toTheSecond)
  expect(told('2026-11-22T14:32:00Z')).toBe('just now')
  expect(told('2026-11-22T14:32:00Z', true)).toBe('12 s ago')
  expect(told('2026-11-22T14:32:10Z', true)).toBe('just now')
  expect(told('2026-11-22T14:00:00Z')).toBe('32 minutes ago')
  expect(told('2026-11-22T13:00:00Z')).toBe('1 hour ago')
  expect(told('2026-11-20T13:00:00Z')).toBe('2 days ago')
  expect(told('soon')).toBe('at an unknown time')
})

test('a part of a value says so, with the size of the whole where that is known', () => {
  expect([{}, { cut: false, bytes: 9 }, { cut: true }].map(cut)).toEqual(['', '', 'Cut.'])
  expect(cut({ cut: true, bytes: 12_345_678 })).toBe('Cut, 12,345,678 bytes in all.')
})

const of = (type: ColumnType, count: number, example: string | null) => ({ type, count, example })

test.each([
  [
    [of('BIGINT', 57, '2'), of('STRING', 3, 'three')],
    'STRING, because 3 of 60 values are text (`three`).',
    'The other 57 would fit BIGINT (`2`).',
  ],
  [
    [of('STRING', 1_200, 'a'), of('BIGINT', 1, '7')],
    'STRING, because 1,200 of 1,201 values are text (`a`).',
    'The other one would fit BIGINT (`7`).',
  ],
  [
    [
      of('BIGINT', 5, '1'),
      of('DOUBLE', 2, '1.5'),
      of('BOOLEAN', 1, 'true'),
      of('STRING', 1, 'x`y'),
    ],
    'STRING, because 1 of 9 values is true or false (`true`) and 1 is text (`x\\u{60}y`).',
    'The other 7 would fit DOUBLE (`1`, `1.5`).',
  ],
  [
    [of('TIMESTAMP', 4, null), of('DOUBLE', 2, null)],
    'STRING, because 2 of 6 values are numbers.',
    'The other 4 would fit TIMESTAMP.',
  ],
])('a mixture says what does not fit and what the others would', (types, because, others) => {
  expect(mixes(types)).toEqual({ because, others })
})

test('the type that most values have is the best one, and a tie goes to the number', () => {
  expect(bestType([of('BOOLEAN', 2, null), of('BIGINT', 2, null)])).toEqual({
    type: 'BIGINT',
    fit: 2,
  })
  expect(bestType([of('BOOLEAN', 3, null), of('BIGINT', 2, null)]).type).toBe('BOOLEAN')
})

test('a preview says how many columns mix types', () => {
  const column = (state: string): PreviewColumn => ({
    name: 'quantity',
    type: 'STRING',
    state,
    from: [],
    filled: 60,
    discarded: 0,
    mixture: null,
    choosable: true,
    chosen: false,
  })
  const found = (states: string[]): Preview => ({
    ...nothingFound,
    events: { received: 60, duplicate: 0, rejected: 0 },
    tables: [
      {
        schema: 'web',
        table: 'bought',
        state: 'new',
        rows: 60,
        columns: states.map(column),
        sample: [],
        error: null,
      },
    ],
  })
  const said = 'All 60 events would land, in 1 new table.'
  expect(preview(found(['new']))).toBe(`${said} Nothing has been written.`)
  expect(preview(found(['mixed', 'new']))).toBe(
    `${said} 1 column mixes types; decide before the first run. Nothing has been written.`,
  )
  expect(preview(found(['mixed', 'mixed']))).toContain('2 columns mix types;')
})

test('the severity of what needs attention', () => {
  const counts: Record<string, EventCounts> = {
    1: events({ received: 100_001, written: 1, rejected: 100_000 }),
    2: events({ received: 100, written: 98, rejected: 2 }),
    3: events({ received: 160, written: 160 }),
    4: events({ received: 3, written: 2, lost: 1 }),
    5: events({ received: 100, written: 60, rejected: 40 }),
    9: events({}),
  }
  const of = (kind: Attention['kind'], run: string): Attention => ({
    id: `${kind} ${run}`,
    kind,
    run,
    source: 'web',
    count: counts[run]!.rejected,
    error: null,
    on: null,
    events: counts[run]!,
    muted: false,
  })
  const needs = [
    of('discarded', '3'),
    of('rejected', '2'),
    of('tables', '4'),
    of('tables', '2'),
    of('rejected', '5'),
    of('rejected', '1'),
    of('failed', '9'),
  ]
  expect(needs.map((one) => [harm(one), partOf(one)])).toEqual([
    ['note', null],
    ['warning', 0.02],
    ['failed', 1 / 3],
    ['warning', 0],
    ['warning', 0.4],
    ['failed', 100_000 / 100_001],
    ['failed', 1],
  ])
  expect(byHarm(needs).map((one) => one.id)).toEqual([
    'failed 9',
    'rejected 1',
    'tables 4',
    'rejected 5',
    'rejected 2',
    'tables 2',
    'discarded 3',
  ])
})

test.each([
  [{ received: 5, rejected: 5 }, 'failed'],
  [{ received: 100_001, written: 1, rejected: 100_000 }, 'failed'],
  [{ received: 100, written: 1, rejected: 99 }, 'partial'],
  [{ received: 5, waiting: 5 }, 'partial'],
  [{ received: 5, duplicate: 4, rejected: 1 }, 'partial'],
  [{}, 'partial'],
] as const)('a run of which next to nothing landed is shown as failed: %j', (some, status) => {
  expect(shownStatus({ status: 'partial', events: events(some) })).toBe(status)
  expect(shownStatus({ status: 'succeeded', events: events(some) })).toBe('succeeded')
})

test('a preview tells events without a table from values that have no place', () => {
  const found: Preview = {
    ...nothingFound,
    events: { received: 7, duplicate: 0, rejected: 0 },
    discards: [
      {
        schema: 'web',
        table: 'tracks',
        column: 'event',
        reason: 'no_event_table',
        count: 5,
        sample: '注文',
      },
      {
        schema: 'web',
        table: 'tracks',
        column: 'a',
        reason: 'type_mismatch',
        count: 2,
        sample: 'x',
      },
    ],
  }
  expect(preview(found)).toBe(
    'All 7 events would land; 5 events would have no table of their own, 2 values would be set aside. Nothing has been written.',
  )
  expect(reasons.no_event_table?.[1]).toContain('a to z')
})

test('names are in the order in which people count', () => {
  const names = ['event_number_1000', 'event_number_0', 'event_number_10', 'event_number_1', 'a']
  expect(names.toSorted(byName)).toEqual([
    'a',
    'event_number_0',
    'event_number_1',
    'event_number_10',
    'event_number_1000',
  ])
})

test('what of the files of a preview would not land is said in one line', () => {
  const found = { ...nothingFound, ignored: 2, ignored_files: ['a.csv', 'b.csv'] }
  expect(leftOut(nothingFound)).toBe(null)
  expect(leftOut(found)).toEqual({ text: '2 files ignored', isWrong: false })
  const rejected = { ...found, events: { received: 5, duplicate: 0, rejected: 5 } }
  expect(leftOut(rejected)).toEqual({
    text: '5 lines cannot be read, 2 files ignored',
    isWrong: true,
  })
  const message = '`a.json` holds indented JSON, and Headgate reads one event a line.'
  const notices = [{ code: 'indented_json', message, count: 1 }]
  expect(preview({ ...rejected, notices })).toBe(
    `0 of 5 events would land; 5 lines cannot be read. ${message} Nothing has been written.`,
  )
})

test('a file in another form is told with the run', () => {
  const message = '`a.json` is one JSON array, and Headgate reads one event a line.'
  const notices = [
    { code: 'json_array', message, count: 1 },
    { code: 'files_ignored', message: 'Other.', count: 1 },
  ]
  const rejected = { status: 'partial', events: events({ received: 5, rejected: 5 }) } as const
  expect(sentence(run({ ...rejected, notices }))).toBe(
    `0 of 5 events are in the lake. 5 lines could not be read as events; they are kept. ${message}`,
  )
})
