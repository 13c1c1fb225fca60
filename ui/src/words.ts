// What a run, a need and a reason are in words: short, specific, no blame, the next action last.

import type { Need, Preview, RunReport, Status } from './api'
import { count, many, quoted } from './format'

/** A run in one plain sentence or two. */
export function sentence(run: RunReport): string {
  const { received, written, duplicate, rejected } = run.events
  const kept = rejected > 0 ? ` ${lines(rejected)} could not be read as events; they are kept.` : ''
  switch (run.status) {
    case 'running':
      return received > 0 ? `${count(received)} events so far.` : 'Reading the events.'
    case 'cancelled':
      return `Stopped on request. ${had(run)} Run it again for the rest.`
    case 'failed':
      return `Failed. ${had(run)}`
    default:
  }
  if (received === 0) return nothing(run)
  const refused = run.tables.filter((table) => table.error).length
  const trouble = [
    refused > 0 ? ` ${many(refused, 'table')} refused their part; it is kept.` : '',
    run.files.damaged.length > 0
      ? ` ${many(run.files.damaged.length, 'file')} could not be read whole.`
      : '',
  ].join('')
  if (written + duplicate === received && !trouble) return landed(run)
  return `${count(written + duplicate)} of ${count(received)} events are in the lake.${kept}${trouble}`
}

/** What a run that broke off had brought by then. */
function had(run: RunReport): string {
  const { written } = run.events
  return written === 0 ? 'Nothing had landed.' : `${many(written, 'event')} had landed.`
}

function landed(run: RunReport): string {
  const { written, duplicate } = run.events
  if (written === 0)
    return duplicate === 1
      ? 'The one event was in the lake already.'
      : `All ${count(duplicate)} events were in the lake already.`
  if (duplicate === 0)
    return written === 1
      ? 'The one event is in the lake.'
      : `All ${count(written)} events are in the lake.`
  return `${count(written)} new events are in the lake; ${count(duplicate)} ${duplicate === 1 ? 'was a duplicate' : 'were duplicates'}.`
}

function nothing(run: RunReport): string {
  const { unchanged, damaged } = run.files
  if (damaged.length > 0)
    return `No event was taken: ${many(damaged.length, 'file')} could not be read.`
  if (unchanged > 0)
    return `Nothing new: ${many(unchanged, 'file that went in before has', 'files that went in before have')} not changed.`
  return 'There were no events to take.'
}

function lines(value: number): string {
  return many(value, 'line')
}

export const statusWords: Record<Status, string> = {
  running: 'Running',
  succeeded: 'Succeeded',
  partial: 'Partial',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

/** Why a line is no event: its name, and what is wrong with it. */
export const rejections: Record<string, [string, string]> = {
  not_json: ['Not JSON', 'The line cannot be read as JSON'],
  not_object: ['Not an object', 'The line is JSON, but not an object'],
  too_long: ['Too long', 'The line is longer than an event may be'],
  too_deep: ['Too deep', 'Objects are nested deeper than an event may be'],
  unknown_type: [
    'Unknown type',
    '`type` is missing or names no call of Segment, which are all in lower case',
  ],
}

/** Why a value has no place in its row. */
export const reasons: Record<string, [string, string]> = {
  type_mismatch: ['Type mismatch', 'The column has another type'],
  not_an_object: ['Not an object', '`context`, `properties` or `traits` that is no object'],
  collision: ['Collision', 'Another key of the event makes the same column'],
  reserved_name: ['Reserved name', 'A column of every table has this name'],
  unnameable_key: [
    'No name left',
    'The key has no letter or digit that a column could be named by',
  ],
  no_event_table: ['No event name', 'A track without a usable name has no table of its own'],
  too_many_columns: ['Too many columns', 'The table has as many columns as it may have'],
}

/** A value of which a list may have a part only. */
export interface Part {
  cut?: boolean
  /** The size of the whole in bytes, where it is known. */
  bytes?: number | null
}

/** That a value is shown in part, and its size where that is known; nothing for a whole one. */
export function cut({ cut, bytes }: Part): string {
  if (!cut) return ''
  return typeof bytes === 'number' ? `Cut, ${many(bytes, 'byte')} in all.` : 'Cut.'
}

export function reason(words: Record<string, [string, string]>, code: string): [string, string] {
  return words[code] ?? [code, '']
}

/** What needs a person: the matter, and what to know about it. */
export function need(need: Need): [string, string] {
  const of = need.source ? `of ${quoted(need.source)}` : 'of several sources'
  const said = need.error ? need.error.message : ''
  const on = need.on ?? ''
  switch (need.kind) {
    case 'failed':
      return [`Run ${quoted(need.run)} ${of} failed.`, said]
    case 'cancelled':
      return [`Run ${quoted(need.run)} ${of} was stopped.`, 'Run it again for the rest.']
    case 'tables':
      return [
        need.count === 1
          ? `${quoted(on)} refused its part of run ${quoted(need.run)}.`
          : `${quoted(on)} and ${many(need.count - 1, 'other table')} refused their part of run ${quoted(need.run)}.`,
        said,
      ]
    case 'files':
      return [
        need.count === 1
          ? `${quoted(on)} could not be read whole.`
          : `${quoted(on)} and ${many(need.count - 1, 'other file')} could not be read whole.`,
        need.error?.hint ?? said,
      ]
    case 'rejected':
      return [
        `${many(need.count, 'line')} ${of} could not be read as events.`,
        'They are kept with their reasons; the other lines are in.',
      ]
    case 'discarded':
      return [
        `${many(need.count, 'value')} ${of} had no place in a column.`,
        'Their rows are in; the values are in `headgate_discards`.',
      ]
  }
}

/** What a preview says, in one or two sentences. */
export function preview(found: Preview): string {
  const { received, duplicate, rejected } = found.events
  if (received === 0) {
    const { length } = found.damaged
    const why = length > 0 ? ` ${many(length, 'file')} cannot be read.` : ''
    return `There are no events here.${why} Nothing has been written.`
  }
  const refused = found.tables.filter((table) => table.error).length
  const fresh = found.tables.filter((table) => table.state === 'new').length
  const columns = found.tables
    .filter((table) => table.state !== 'new')
    .flatMap((table) => table.columns)
    .filter((column) => column.state === 'new').length
  const aside = found.discards.reduce((sum, discard) => sum + discard.count, 0)
  const parts = [
    fresh > 0 ? many(fresh, 'new table') : '',
    columns > 0 ? many(columns, 'new column') : '',
  ].filter(Boolean)
  const would = received - duplicate - rejected
  const into = parts.length > 0 ? `, in ${parts.join(' and ')}` : ''
  const head =
    would === received
      ? `${received === 1 ? 'The one event' : `All ${count(received)} events`} would land${into}`
      : `${count(would)} of ${count(received)} events would land${into}`
  const tail = [
    duplicate > 0 ? many(duplicate, 'is a duplicate', 'are duplicates') : '',
    rejected > 0 ? `${many(rejected, 'line')} cannot be read` : '',
    aside > 0 ? `${many(aside, 'value')} would be set aside` : '',
    refused > 0 ? `${many(refused, 'table')} would refuse` : '',
    found.damaged.length > 0 ? `${many(found.damaged.length, 'file')} cannot be read whole` : '',
  ].filter(Boolean)
  return `${head}${tail.length > 0 ? `; ${tail.join(', ')}` : ''}. Nothing has been written.`
}
