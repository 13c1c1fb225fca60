// The rows and columns of the matrix as they are drawn: columns with the same decisions are merged, and callers
// to allow are listed with those that are allowed. Pure.

import type { CallerName, CellView, ColumnView, Decision, KeptGoal, MatrixView } from '../../api'

export type Look = 'allowed' | 'opened' | 'closed' | 'denied' | 'depends' | 'never' | 'absent'

export interface DrawnColumn {
  label: string
  /** The id as it is shown and copied; null for columns that represent others. */
  id: string | null
  /** Its place in the matrix; the second of a merged pair is the one without an id. */
  at: number[]
}

export interface DrawnCell {
  look: Look
  /** What stood there before, where that was something else. */
  was: string | null
  /** The id that a caller in this cell passes. */
  externalId: string | null
  after: Decision | null
  statements: number[]
}

export interface DrawnRow {
  principal: CallerName
  label: string
  added: boolean
  /** Whether it represents callers that are not named. */
  rest: boolean
  /** The goals whose switch is in this row. */
  goals: KeptGoal[]
  /** Null for a caller that the policy was not evaluated for. */
  cells: DrawnCell[]
}

export interface Drawn {
  columns: DrawnColumn[]
  rows: DrawnRow[]
}

const was: Record<Decision, string> = {
  allow: 'was allowed',
  implicit_deny: 'was denied',
  explicit_deny: 'was denied',
  unknown: 'depended before',
}

function lookOf(before: Decision | null, after: Decision): Look {
  const changed = before !== null && before !== after
  if (after === 'allow') return changed ? 'opened' : 'allowed'
  if (after === 'unknown') return 'depends'
  if (changed && (before === 'allow' || before === 'unknown')) return 'closed'
  return after === 'explicit_deny' ? 'denied' : 'never'
}

/** Names of callers as text: services and providers are objects. */
export function nameOf(principal: CallerName): string {
  if (typeof principal === 'string') return principal
  return 'service' in principal ? principal.service : principal.federated
}

/** Whether callers with any other id and callers without one always get the same answer. */
function alike(matrix: MatrixView, any: number, none: number): boolean {
  const at = (row: number, column: number) =>
    matrix.cells.find((cell) => cell.row === row && cell.column === column)
  return matrix.rows.every((_, row) => {
    const [one, other] = [at(row, any), at(row, none)]
    return !one || !other || (one.before === other.before && one.after === other.after)
  })
}

function columnsOf(matrix: MatrixView): DrawnColumn[] {
  const any = matrix.columns.findIndex((one) => one.any_other)
  const none = matrix.columns.findIndex((one) => one.external_id === null)
  const merged = any >= 0 && none >= 0 && alike(matrix, any, none)
  const drawn = (one: ColumnView, at: number): DrawnColumn => ({
    label: merged && at === any ? 'Any other id, or none' : one.label,
    id: one.any_other || one.like !== null ? null : one.external_id,
    at: merged && at === any ? [any, none] : [at],
  })
  return matrix.columns.map(drawn).filter((_, at) => !merged || at !== none)
}

export function drawn(matrix: MatrixView, goals: KeptGoal[]): Drawn {
  const columns = columnsOf(matrix)
  const cells = new Map<string, CellView>()
  for (const cell of matrix.cells) cells.set(`${cell.row} ${cell.column}`, cell)
  const cellOf = (row: number, column: DrawnColumn): DrawnCell => {
    const found = column.at.map((at) => cells.get(`${row} ${at}`)).find((cell) => cell)
    if (!found) return { look: 'absent', was: null, externalId: null, after: null, statements: [] }
    const { before, after, statements } = found
    const changed = before !== null && before !== after
    return {
      look: lookOf(before, after),
      was: changed ? was[before] : null,
      externalId: matrix.columns[found.column]?.external_id ?? null,
      after,
      statements,
    }
  }
  const rows = matrix.rows.map((row, at): DrawnRow => ({
    principal: row.principal,
    label: row.label,
    added: row.added,
    rest: row.kind === 'other_role' || row.kind === 'stranger',
    goals: goals.filter((one) => one.goal.principal === row.principal),
    cells: columns.map((column) => cellOf(at, column)),
  }))
  fold(rows, matrix)
  const shown = new Set(rows.map((row) => nameOf(row.principal)))
  const more = new Map<string, DrawnRow>()
  for (const one of goals) {
    const { principal } = one.goal
    if (shown.has(principal)) continue
    const row = more.get(principal) ?? {
      principal,
      label: one.label,
      added: false,
      rest: false,
      goals: [],
      cells: [],
    }
    row.goals.push(one)
    more.set(principal, row)
  }
  const end = rows.findIndex((row) => row.rest)
  rows.splice(end < 0 ? rows.length : end, 0, ...more.values())
  return { columns, rows }
}

/** Other accounts whose roles get in nowhere say the same as anyone else: one row for all of them. */
function fold(rows: DrawnRow[], matrix: MatrixView): void {
  const never = (row: DrawnRow) => row.cells.every((cell) => cell.look === 'never')
  const anyone = matrix.rows.findIndex((row) => row.kind === 'stranger')
  if (anyone < 0 || !never(rows[anyone]!)) return
  const others = rows.filter((row, at) => matrix.rows[at]?.kind === 'other_role' && never(row))
  // The first is of the role's own account, which a reader looks for.
  for (const row of others.slice(1)) rows.splice(rows.indexOf(row), 1)
}

/** An id in few characters. */
export function brief(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 4)}…${id.slice(-4)}`
}
