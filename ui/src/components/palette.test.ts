// Tests of the palette: which entries it offers, in which order, and when tables are read.

import { beforeEach, expect, test, vi } from 'vitest'
import type { RunReport, TableSummary } from '../api'
import { played } from '../api/played'
import { entries } from '../pages'
import { olderRun, pageEntries, runEntry, search, tableEntry } from './paletteEntries'
import { TableIndex } from './tableIndex.svelte'

vi.mock('../api/http', async () => ({ http: (await import('../api/played')).played.host }))

beforeEach(() => {
  played.calls = []
})

const table = (name: string) =>
  ({ schema: 'web', table: name, rows: 3, columns: [] as unknown[] }) as TableSummary
const report = (...names: string[]) => ({ tables: names.map(table), unreadable: [], behind: [] })
const lakes = () => played.of('tables_list').map((one) => (one.request as { lake: string }).lake)
const names = (index: TableIndex) => index.found.map((one) => `${one.lake} ${one.table.table}`)

test('a lake is read once, however often it is searched', async () => {
  const index = new TableIndex()
  const reading = index.read(['/one', '/two'])
  void index.read(['/one', '/two'])
  expect(lakes()).toEqual(['/one', '/two'])
  await played.of('tables_list')[0]!.answer(report('tracks'))
  await played.of('tables_list')[1]!.answer(report('pages', 'users'))
  await reading
  expect(names(index)).toEqual(['/one tracks', '/two pages', '/two users'])
  await index.read(['/one', '/two'])
  expect(lakes()).toHaveLength(2)
  await index.read(['/two'])
  expect(names(index)).toEqual(['/two pages', '/two users'])
})

test('the table index is read again after changes and after missed', async () => {
  const index = new TableIndex()
  void index.read(['/one'])
  await played.last('tables_list').answer(report('old'))
  const change = { kind: 'changed', profile: 'default', revision: 1 } as const
  index.hear({ ...change, tags: ['runs', 'jobs'] })
  await index.read(['/one'])
  expect(lakes()).toHaveLength(1)
  index.hear({ ...change, tags: ['tables'] })
  // It is read when it is searched, not before.
  expect(lakes()).toHaveLength(1)
  void index.read(['/one'])
  await played.last('tables_list').answer(report('new'))
  expect(names(index)).toEqual(['/one new'])
  index.hear({ kind: 'missed' })
  void index.read(['/one'])
  expect(lakes()).toHaveLength(3)
})

test('what changes while a lake is read is read again', async () => {
  const index = new TableIndex()
  void index.read(['/one'])
  index.hear({ kind: 'missed' })
  await played.last('tables_list').answer(report('old'))
  expect(names(index)).toEqual([])
  void index.read(['/one'])
  await played.last('tables_list').answer(report('new'))
  expect(names(index)).toEqual(['/one new'])
})

test('a lake on another machine is not read', async () => {
  const index = new TableIndex()
  void index.read([
    's3://bucket/lake',
    'S3A://b/l',
    'abfss://c@a/l',
    'file:///one',
    '/two',
    'C:\\x',
  ])
  for (const one of played.of('tables_list')) await one.answer(report('t'))
  expect(lakes()).toEqual(['file:///one', '/two'])
})

test('an unreadable lake does not hide others', async () => {
  const index = new TableIndex()
  void index.read(['/gone', '/two'])
  await played.last('tables_list').fail('lake_not_found')
  await played.last('tables_list').answer(report('pages'))
  expect(names(index)).toEqual(['/two pages'])
})

test('the palette has every page and action', () => {
  const found = search(pageEntries, '').filter((entry) => entry.group === 'Pages')
  expect(found.map((entry) => entry.name)).toEqual(entries.map((page) => page.title))
  const actions = search(pageEntries, '>').map((entry) => entry.name)
  expect(actions).toEqual(entries.flatMap((page) => page.actions ?? []).map(({ name }) => name))
})

test.each([
  ['rejected', 'Syncs'],
  ['discards', 'Syncs'],
  ['segment', 'Trust policy'],
  ['COLUMNS', 'Schemas'],
  ['retention', 'Settings'],
])('%s finds %s', (words, title) => {
  expect(search(pageEntries, words).map((entry) => entry.name)).toContain(title)
})

test('palette entries that begin with the words come first', () => {
  const all = ['web.orders', 'orders.web', 'order'].map((name) => ({
    ...tableEntry({ lake: '/lake', table: table('x') }),
    name,
  }))
  expect(search(all, 'orders').map(({ name }) => name)).toEqual(['orders.web', 'web.orders'])
  expect(search(all, ' WEB  ord ').map(({ name }) => name)).toEqual(['web.orders', 'orders.web'])
  expect(search(all, 'orders none')).toEqual([])
})

test('the run whose number is typed comes before those that only hold it', () => {
  const runs = ['312-a', '120-b', '12-c'].map((run) => ({ ...pageEntries[0]!, name: `Run ${run}` }))
  expect(search(runs, '12').map(({ name }) => name)).toEqual(['Run 120-b', 'Run 12-c', 'Run 312-a'])
})

test('a run that is named is offered though it was not read', () => {
  const runs = [{ run: '120-afe45' }] as RunReport[]
  expect(olderRun('12', runs).map(({ name }) => name)).toEqual(['Run 12'])
  expect(olderRun(' 12-a3 ', runs).map(({ name }) => name)).toEqual(['Run 12-a3'])
  for (const words of ['120', '120-afe45', '', 'twelve', '12 x', '12-xyz'])
    expect(olderRun(words, runs)).toEqual([])
})

test('a table is found by its columns, and a run by what went wrong in it', () => {
  const columns = [{ name: 'ship_to_city', type: 'STRING' }]
  const entry = tableEntry({
    lake: '/lake',
    table: { ...table('orders'), columns } as TableSummary,
  })
  expect(search([entry], 'ship_to').map((one) => one.name)).toEqual(['web.orders'])
  const run = {
    run: '3-a',
    source: 'web',
    status: 'partial',
    started: '2026-11-28T10:00:00Z',
    finished: null,
    events: { received: 3 },
    rejected: [{ reason: 'not_json', count: 1 }],
    discards: [{ reason: 'type_mismatch', count: 1 }],
  } as unknown as RunReport
  const entries = [runEntry(run, Date.now())]
  for (const words of ['not_json', 'not json', 'type mismatch', 'partial'])
    expect(search(entries, words)).toEqual(entries)
  expect(search(entries, 'too_deep')).toEqual([])
})
