// What a person can do about an error, by its code: the actions that pages offer beside it.

import type { Failure, RunReport, SyncStart } from './api'

/**
 * What can be done about a table: fill it again with what its rows lack, or give up what waits for it.
 * Nothing for what may pass: the next run tries it again.
 */
export function forTable(error: Failure): 'fill' | 'give_up' | null {
  if (error.code === 'table_behind') return 'fill'
  return error.retryable ? null : 'give_up'
}

/** How a table with an error stands, in a word or two. */
export function standing(error: Failure): string {
  return { fill: 'Lacks rows', give_up: 'Refuses', none: 'Waits' }[forTable(error) ?? 'none']
}

/** What can be done about a sync that broke off, beside running it again with other answers in the form. */
export function forSync(error: Failure): 'own_lake' | 'again' | null {
  if (error.code === 'lake_copied') return 'own_lake'
  return error.code === 'lake_busy' ? 'again' : null
}

/** The words of that, and what it changes in what was asked. */
export const syncRemedies: Record<'own_lake' | 'again', [string, Partial<SyncStart>]> = {
  own_lake: ['Make it a lake of its own', { new_lake_id: true }],
  again: ['Try again', {}],
}

/** A run as it would be asked for once more; nothing for one of standard input. */
export function onceMore(run: RunReport): SyncStart | null {
  const { from, to, source, again, refill } = run
  if (from === null) return null
  // Types that were chosen are kept for the lake.
  return { from, to, source, again, refill, columns: [], new_lake_id: false }
}

/** What a new sync is asked that fills one table again; without `from`, its files are to be chosen. */
export function fillAgain(
  lake: string,
  source: string | null,
  table: string,
  from: string | null = null,
): Record<string, string | null> {
  return { from, lake, source, again: '1', refill: table }
}

/** What a new sync is asked that is a run once more, for its form. */
export function runAgain(run: RunReport): Record<string, string | null> {
  const { from, to: lake, source, again, refill } = run
  return { from, lake, source, again: again ? '1' : null, refill }
}
