// The columns that a grid shows, their order, and their positions. Pure.

import type { ShownColumn } from '../api'

/** A column as it is drawn. */
export interface DrawnColumn extends ShownColumn {
  /** Its place among the table's columns. */
  at: number
  /** How wide it is, and how far from the first one's left edge it begins, in pixels. */
  width: number
  left: number
}

/** Columns that every event has; its own columns come first. */
const envelope = [
  'anonymous_id',
  'user_id',
  'received_at',
  'sent_at',
  'timestamp',
  'original_timestamp',
  'event',
  'event_text',
  'uuid_ts',
]

function rank({ name }: ShownColumn): number {
  if (name === 'id') return 0
  return envelope.includes(name) || name.startsWith('context_') ? 2 : 1
}

/** A time is longer than most values. */
const widthOf = ({ type }: ShownColumn) => (type === 'TIMESTAMP' ? 216 : 168)

/** The id, an event's own columns, then those that every event has: those with some words in their names. */
export function drawnColumns(columns: readonly ShownColumn[], words = ''): DrawnColumn[] {
  const wanted = words.toLowerCase().trim()
  let left = 0
  return columns
    .map((column, at) => ({ ...column, at }))
    .toSorted((a, b) => rank(a) - rank(b) || a.at - b.at)
    .filter((column) => rank(column) === 0 || column.name.toLowerCase().includes(wanted))
    .map((column) => {
      const drawn = { ...column, width: widthOf(column), left }
      left += drawn.width
      return drawn
    })
}

/** The columns between two edges, by the places of the first and the one behind the last. */
export function between(
  columns: readonly DrawnColumn[],
  from: number,
  to: number,
): [first: number, behind: number] {
  const first = columns.findIndex((one) => one.left + one.width > from)
  const behind = columns.findIndex((one) => one.left >= to)
  const end = columns.length
  return [first < 0 ? end : first, behind < 0 ? end : behind]
}
