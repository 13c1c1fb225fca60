// The actions that pages offer for an error, by its code.

import type { Failure, RunReport, SyncStart } from './api'

/**
 * What can be done about a table: fill it again with what its rows lack, or give up what waits for it.
 * Nothing for what may pass: the next run tries it again.
 */
export function forTable(error: Failure): 'fill' | 'give_up' | null {
  if (error.code === 'table_behind') return 'fill'
  return error.retryable ? null : 'give_up'
}

/** The state of a table with an error, in a word or two. */
export function standing(error: Failure): string {
  return { fill: 'Lacks rows', give_up: 'Refuses', none: 'Waits' }[forTable(error) ?? 'none']
}

/** What can be done about a sync that broke off, beside running it again with other answers in the form. */
export function forSync(error: Failure): 'own_lake' | 'again' | null {
  if (error.code === 'lake_copied') return 'own_lake'
  return error.code === 'lake_busy' ? 'again' : null
}

/** The label of each, and what it changes in the request. */
export const syncRemedies: Record<'own_lake' | 'again', [string, Partial<SyncStart>]> = {
  own_lake: ['Make it a lake of its own', { new_lake_id: true }],
  again: ['Try again', {}],
}

/** The request to repeat a run; null for standard input. */
export function onceMore(run: RunReport): SyncStart | null {
  const { from, to, source, again, refill } = run
  if (from === null) return null
  // Types that were chosen are kept for the lake.
  return { from, to, source, again, refill, columns: [], new_lake_id: false }
}

/** The address of a new sync that refills one table; without `from`, its files must be chosen. */
export function fillAgain(
  lake: string,
  source: string | null,
  table: string,
  from: string | null = null,
): Record<string, string | null> {
  return { from, lake, source, again: '1', refill: table }
}

/** The address of a new sync that repeats a run. */
export function runAgain(run: RunReport): Record<string, string | null> {
  const { from, to: lake, source, again, refill } = run
  return { from, lake, source, again: again ? '1' : null, refill }
}
