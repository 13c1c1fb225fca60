// Tests of goals, the rows and columns of the matrix, and the sentences about a draft.

import { expect, test } from 'vitest'
import type { KeptGoal, MatrixView, PolicyCards, Template } from '../../api'
import { goalsOf, held, missing, removal, switched, withGoal } from './goals'
import { brief, drawn } from './matrixModel'
import { cells, changed, commandIn, lead } from './messages'

const catalog = 'arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL'
const segment = 'arn:aws:iam::595280932656:role/segment-storage-destinations-production-access'
const uuid = '7c0d9e52-41b8-4f0e-9a63-2b5f8d1e6c07'
const range = { start: 0, end: 1 }

function template(id: string, principal: string | null, ids: string[]): Template {
  return {
    id,
    label: id,
    principal,
    known_ids: ids.map((id) => ({ id, from: 'in this policy' })),
    where_id: '',
    required: id === 'unity_catalog',
    sid: id,
  }
}

function card(principals: string[], ids: string[]): PolicyCards['statements'][number] {
  return {
    sid: null,
    effect: 'Allow',
    principals: principals.map((value) => ({
      kind: 'AWS',
      value,
      label: null,
      means: '',
      dead: false,
      range,
    })),
    not_action: false,
    actions: ['sts:AssumeRole'],
    conditions: [{ operator: 'StringEquals', key: 'sts:ExternalID', values: ids, range, line: 1 }],
    range,
    line: 1,
  }
}

test('goals start with the most likely ids', () => {
  const ids = ['segment-workspace', uuid]
  const templates = [
    template('unity_catalog', catalog, ids),
    template('segment', segment, ids),
    template('headgate', null, ['own']),
    template('custom', null, []),
  ]
  const policy = { version: null, statements: [card([catalog, segment], ids)] }
  const goals = goalsOf(templates, policy)
  expect(goals.map((one) => [one.template, one.goal.externalId, one.on])).toEqual([
    ['unity_catalog', uuid, true],
    ['segment', 'segment-workspace', true],
  ])
  const [, off] = goalsOf(
    [template('unity_catalog', catalog, [uuid]), template('segment', segment, [])],
    { version: null, statements: [card([catalog], [uuid])] },
  )
  expect(off).toMatchObject({ on: false, goal: { externalId: null } })
})

const wants = (principal: string, externalId: string, on = true): KeptGoal => ({
  template: 'custom',
  label: principal,
  goal: { principal, externalId, sid: null },
  on,
})

test('removing a caller removes its id, but not the last one', () => {
  const policy = {
    version: null,
    statements: [card([catalog, segment], [uuid, 'ws']), card([segment], ['ws'])],
  }
  const goals = [wants(catalog, uuid), wants(segment, 'ws', false)]
  expect(removal(policy, goals, [segment])).toEqual([
    { op: 'remove_statement', statement: 1 },
    { op: 'remove_principal', statement: 0, kind: 'AWS', value: segment },
    {
      op: 'remove_condition_value',
      statement: 0,
      operator: 'StringEquals',
      key: 'sts:ExternalID',
      value: 'ws',
    },
  ])
  const only = { version: null, statements: [card([catalog, segment], ['ws'])] }
  expect(removal(only, goals, [segment])).toHaveLength(1)
  // An id that somebody who stays brings too stays.
  const shared = [wants(catalog, 'ws'), wants(segment, 'ws')]
  expect(removal(policy, shared, [segment]).map((one) => one.op)).toEqual([
    'remove_statement',
    'remove_principal',
  ])
})

test('removing several callers removes their statement', () => {
  const etl = 'arn:aws:iam::210987654321:role/etl'
  const policy = {
    version: null,
    statements: [card([segment, etl], ['ws', 'e']), card([catalog, segment, etl], [uuid, 'ws'])],
  }
  const goals = [wants(catalog, uuid), wants(segment, 'ws'), wants(etl, 'e')]
  const edits = removal(policy, goals, [segment, etl])
  expect(edits.map((one) => one.op)).toEqual([
    'remove_principal',
    'remove_principal',
    'remove_condition_value',
    'remove_statement',
  ])
  expect(edits[0]).toMatchObject({ statement: 1 })
})

test('a caller with an id replaces the one without', () => {
  const unknown = {
    ...wants(segment, ''),
    goal: { principal: segment, externalId: null, sid: null },
  }
  const self = { ...unknown, template: 'self', on: false }
  expect(withGoal([unknown], wants(segment, 'ws', false))).toEqual([wants(segment, 'ws')])
  const both = withGoal([self], { ...wants(catalog, uuid), template: 'unity_catalog' })
  expect(both.map((one) => [one.goal.externalId, one.on])).toEqual([
    [uuid, true],
    [uuid, true],
  ])
  expect(switched([unknown, wants(catalog, uuid, false)], catalog, true)[1]!.on).toBe(true)
  expect(switched([{ ...unknown, on: false }], segment, true)[0]!.on).toBe(false)
})

function matrix(change: Partial<MatrixView> = {}): MatrixView {
  return {
    rows: [
      { principal: catalog, kind: 'goal', label: 'Unity Catalog', added: false },
      { principal: 'arn:aws:iam::1:role/x', kind: 'stranger', label: 'Anyone else', added: false },
    ],
    columns: [
      { external_id: uuid, any_other: false, like: null, label: 'Databricks’ id' },
      { external_id: 'other', any_other: true, like: null, label: 'Any other id' },
      { external_id: null, any_other: false, like: null, label: 'No id' },
    ],
    cells: [
      { row: 0, column: 0, before: 'implicit_deny', after: 'allow', statements: [0] },
      { row: 0, column: 1, before: 'implicit_deny', after: 'implicit_deny', statements: [] },
      { row: 0, column: 2, before: 'implicit_deny', after: 'implicit_deny', statements: [] },
      { row: 1, column: 0, before: 'allow', after: 'implicit_deny', statements: [] },
      { row: 1, column: 1, before: 'unknown', after: 'unknown', statements: [] },
      { row: 1, column: 2, before: 'unknown', after: 'unknown', statements: [] },
    ],
    opens: 1,
    closes: 1,
    left_out: 0,
    ...change,
  }
}

const off: KeptGoal = {
  template: 'segment',
  label: 'Segment',
  goal: { principal: segment, externalId: null, sid: null },
  on: false,
}

test('equal columns are merged, and missing goals come first', () => {
  const { columns, rows } = drawn(matrix(), [off])
  expect(columns.map((one) => one.label)).toEqual(['Databricks’ id', 'Any other id, or none'])
  expect(rows.map((one) => one.label)).toEqual(['Unity Catalog', 'Segment', 'Anyone else'])
  expect(rows.map((one) => one.cells.map((cell) => cell.look))).toEqual([
    ['opened', 'never'],
    [],
    ['closed', 'depends'],
  ])
  const apart = matrix()
  apart.cells[5] = { ...apart.cells[5]!, after: 'allow' }
  expect(drawn(apart, []).columns).toHaveLength(3)
})

test('goals that are on and not allowed are missing', () => {
  const goal = { principal: catalog, externalId: uuid, sid: null }
  const on = { ...off, goal, on: true }
  expect(missing([on, off], matrix())).toEqual([])
  const other = { ...on, goal: { ...goal, externalId: 'nobody-has-it' } }
  expect(missing([other], matrix())).toEqual([other])
})

test('a draft that is discarded keeps the goals that it began with', () => {
  const goal = { principal: catalog, externalId: uuid, sid: null }
  const on = { ...off, goal, on: true }
  expect(held([on], matrix(), []).map((one) => one.on)).toEqual([false])
  const was = matrix()
  was.cells[0] = { ...was.cells[0]!, before: 'allow' }
  expect(held([on], was, []).map((one) => one.on)).toEqual([true])
  const required = [{ ...template('segment', catalog, []), required: true }]
  expect(held([on], matrix(), required).map((one) => one.on)).toEqual([true])
})

test('other accounts that get in nowhere are one row, and long names keep their ends', () => {
  const rows = ['1', '2', '3'].map((account) => ({
    principal: `arn:aws:iam::${account}:role/x`,
    kind: account === '3' ? ('stranger' as const) : ('other_role' as const),
    label: account,
    added: false,
  }))
  const cell = (row: number, after: 'allow' | 'implicit_deny') => ({
    row,
    column: 0,
    before: after,
    after,
    statements: [] as number[],
  })
  const columns = [{ external_id: uuid, any_other: false, like: null, label: '' }]
  const all = [cell(0, 'implicit_deny'), cell(1, 'implicit_deny'), cell(2, 'implicit_deny')]
  const labels = (cells: ReturnType<typeof cell>[]) =>
    drawn(matrix({ rows, columns, cells }), []).rows.map((row) => row.label)
  expect(labels(all)).toEqual(['1', '3'])
  expect(labels([all[0]!, cell(1, 'allow'), all[2]!])).toEqual(['1', '2', '3'])
})

test('a draft in words', () => {
  const now = Date.parse('2026-11-22T14:32:12Z')
  const standing = {
    problems: [],
    matrix: matrix(),
    same: false,
    untouched: false,
    mended: [],
    findings: 2,
    readAt: '2026-11-22T14:32:00Z',
  }
  expect(lead(standing, now)).toBe(
    'The draft lets Unity Catalog in, opens 1 cell and closes 1 cell. AWS has the old policy, read 12 s ago.',
  )
  // Who depends on what is not known is not out; who surely is, is named.
  const out = matrix()
  out.cells[4] = { ...out.cells[4]!, before: 'implicit_deny', after: 'implicit_deny' }
  out.cells[5] = { ...out.cells[5]!, before: 'implicit_deny', after: 'implicit_deny' }
  expect(lead({ ...standing, matrix: out }, now)).toBe(
    'The draft lets Unity Catalog in and keeps Anyone else out. AWS has the old policy, read 12 s ago.',
  )
  const counted = matrix()
  counted.cells[1] = { ...counted.cells[1]!, before: 'allow', after: 'allow' }
  counted.cells[4] = { ...counted.cells[4]!, before: 'allow', after: 'allow' }
  expect(lead({ ...standing, matrix: counted, mended: [{ id: 'TP003' } as never] }, now)).toBe(
    'The draft opens 1 cell, closes 1 cell and mends TP003. AWS has the old policy, read 12 s ago.',
  )
  expect(lead({ ...standing, untouched: true }, now)).toBe(
    'This is what AWS has, read 12 s ago. 2 findings to look at.',
  )
  expect(lead({ ...standing, untouched: true, readAt: null, findings: 0 }, now)).toBe(
    'Pasted, not compared with AWS. No findings.',
  )
  const problem = { code: 'not_json', message: 'A comma is missing.', range, line: 4, column: 1 }
  expect(lead({ ...standing, problems: [problem as never] }, now)).toBe(
    'Line 4: A comma is missing. The draft is kept.',
  )
  expect(changed({ added: 3, removed: 1 }, matrix())).toBe(
    '3 lines added, 1 removed. 1 cell opens, 1 closes.',
  )
  expect(cells(0, 0)).toBe('No cell changes')
  expect(brief(uuid)).toBe('7c0d…6c07')
  expect(commandIn('Run `aws sso login --profile x`, then read again.')).toBe(
    'aws sso login --profile x',
  )
})
