// The text that is copied from a run's rejected lines and discarded values. Pure.

import type { DiscardRow, RejectedLine } from '../../api'

/** So much one call to the core holds, in characters of JSON, with room for what goes around it. */
const most = 950_000

export interface Copied {
  text: string
  /** How many lines or values are in it. */
  count: number
}

function joined(parts: Iterable<string>): Copied {
  const taken: string[] = []
  let room = most
  for (const part of parts) {
    room -= JSON.stringify(part).length + 2
    if (room < 0) break
    taken.push(part)
  }
  return { text: taken.map((one) => `${one}\n`).join(''), count: taken.length }
}

/** Lines as they came, without those of which only a part is known or which are not text. */
export function lines(letters: readonly RejectedLine[]): Copied {
  return joined(letters.flatMap(({ raw, cut }) => (raw === null || cut ? [] : raw)))
}

/** Values set aside, one JSON object a line, as `headgate_discards` names them. */
export function values(discards: readonly DiscardRow[]): Copied {
  return joined(
    discards.map((one) =>
      JSON.stringify({
        table_name: `${one.schema}.${one.table}`,
        row_id: one.row,
        column_name: one.column,
        column_value: one.value,
        reason: one.reason,
        received_at: one.received,
        ...(one.cut && { cut: true }),
      }),
    ),
  )
}
