// Sentences and labels for runs, attention and reasons: short and specific, without blame, the next action last.

import type {
  Attention,
  ColumnType,
  Counted,
  EventCounts,
  JobState,
  Preview,
  PreviewType,
  RunReport,
  Status,
  TableReport,
} from './api'
import { count, many, quoted } from './format'

/** A run in one plain sentence or two; of one that fills a table, which. */
export function sentence(run: RunReport): string {
  if (run.refill === null) return outcome(run)
  const table = quoted(run.refill)
  if (run.status === 'running') return `${outcome(run)} It fills ${table} only.`
  const whole = run.status === 'succeeded' || run.status === 'partial'
  const untouched = run.error || run.events.received === 0 || run.tables.some(({ error }) => error)
  if (!whole || untouched) return `${outcome(run)} It was to fill ${table} only.`
  const { written } = run.events
  const filled =
    written > 0
      ? `Filled ${table} only, with ${many(written, 'event')} that it lacked.`
      : `Filled ${table} only; it lacked none of the events.`
  return [filled, ...trouble(run)].join(' ')
}

function outcome(run: RunReport): string {
  const { received } = run.events
  switch (run.status) {
    case 'running':
      return received > 0 ? `${count(received)} events so far.` : 'Reading the events.'
    case 'cancelled':
      return `Stopped. ${had(run)} Run it again for the rest.`
    case 'failed':
      return `Failed. ${had(run)}`
    default:
  }
  if (run.error) return `Broke off before the end. ${had(run)}`
  const wrong = trouble(run)
  if (received === 0) return [nothing(run), ...wrong].join(' ')
  const { written, duplicate } = run.events
  if (written + duplicate === received && wrong.length === 0) return landed(run)
  return [inTheLake(run), ...wrong].join(' ')
}

/** What a run that broke off had brought by then, and what of it is still there. */
function had({ events }: RunReport): string {
  const { written, waiting, lost } = events
  const landed =
    lost > 0
      ? `${written === 0 ? '' : `${many(written, 'event is', 'events are')} in the lake. `}${gone(lost)}.`
      : written === 0
        ? 'Nothing had landed.'
        : `${many(written, 'event')} had landed.`
  return waiting > 0 ? `${landed} ${kept(waiting)}` : landed
}

/** Events that were in the lake and are not any more. */
function gone(lost: number): string {
  return `${many(lost, 'event that had landed is', 'events that had landed are')} gone`
}

function kept(waiting: number): string {
  return `${many(waiting, 'event is', 'events are')} kept until a table takes ${waiting === 1 ? 'it' : 'them'}.`
}

/** How much of a run that is not whole is in the lake. */
function inTheLake(run: RunReport): string {
  const { received, written, duplicate, lost } = run.events
  const of = `of ${count(received)} events`
  // Where rows are missing, it is unknown whether earlier rows are still there.
  if ((lost > 0 || behind(run).length > 0) && duplicate > 0) {
    const before = `${many(duplicate, 'event')} had landed before.`
    return written === 0 ? before : `${count(written)} ${of} are in the lake. ${before}`
  }
  return `${count(written + duplicate)} ${of} are in the lake.`
}

/** What keeps a run from being whole, a sentence each, the worst first. */
function trouble(run: RunReport): string[] {
  const { received, rejected, waiting, lost } = run.events
  const lacking = behind(run)
  const others = run.tables.filter((table) => table.error && !lacking.includes(table))
  const damaged = received > 0 ? run.files.damaged.length : 0
  // Of an event that is in other tables, only the rejected lines show that it was given up.
  const released = run.rejected.find(({ reason }) => reason === 'released')?.count ?? 0
  const unreadable = rejected - released
  const givenUp = Math.max(released, (run.dead_letters?.count ?? 0) - unreadable)
  return [
    lost > 0 ? `${gone(lost)}.` : '',
    lacking.length > 0
      ? `${one(lacking, 'lacks rows that were written to it', 'lack rows that were written to them')}.`
      : '',
    waiting > 0 ? kept(waiting) : '',
    others.length > 0 && waiting === 0
      ? `${one(others, 'did not take its part', 'did not take their part')}; it is kept.`
      : '',
    unreadable > 0
      ? `${many(unreadable, 'line')} could not be read as ${unreadable === 1 ? 'an event; it is' : 'events; they are'} kept.`
      : '',
    givenUp > 0
      ? `${many(givenUp, 'line was given up; it is', 'lines were given up; they are')} kept.`
      : '',
    damaged > 0 ? `${many(damaged, 'file')} could not be read whole.` : '',
    // Of a file in another form this says it all, and what makes lines of it.
    ...run.notices.filter(({ code }) => forms.has(code)).map(({ message }) => message),
  ].filter(Boolean)
}

function behind(run: RunReport): TableReport[] {
  return run.tables.filter((table) => table.error?.code === 'table_behind')
}

/** A table by its name, several by their number. */
function one(tables: TableReport[], does: string, several: string): string {
  const [only] = tables
  return tables.length === 1 && only
    ? `${quoted(`${only.schema}.${only.table}`)} ${does}`
    : `${many(tables.length, 'table')} ${several}`
}

/** A run's events as a sum: its parts, and whether it holds. */
export interface Sum {
  parts: [string, number][]
  holds: boolean
  said: string
}

/** Nothing adds up of which something is gone. Waiting and lost events are shown only when there are some. */
export function sum(events: EventCounts): Sum {
  const { received, written, duplicate, rejected, waiting, lost } = events
  const all: [string, number][] = [
    ['Written', written],
    ['Duplicate', duplicate],
    ['Rejected', rejected],
    ['Waiting', waiting],
    ['Lost', lost],
  ]
  const equal = all.reduce((sum, [, number]) => sum + number, 0) === received
  const wrong = [equal ? '' : 'Does not add up', lost > 0 ? gone(lost) : ''].filter(Boolean)
  return {
    parts: all.filter(([, number], at) => at < 3 || number > 0),
    holds: wrong.length === 0,
    said: wrong.join('; ') || 'Adds up',
  }
}

/** What of a run needs attention, in a few characters; empty when all its events are safe. */
export function attention({ waiting, lost }: EventCounts): ['failed' | 'warning', string] | null {
  if (lost > 0) return ['failed', `${count(lost)} gone`]
  if (waiting > 0) return ['warning', `${count(waiting)} waiting`]
  return null
}

/** What became of events that are not where they belong, as the end of a text. */
export function astray({ waiting, lost }: Pick<EventCounts, 'waiting' | 'lost'>): string {
  return [lost > 0 ? `${gone(lost)}.` : '', waiting > 0 ? kept(waiting) : '']
    .filter(Boolean)
    .join(' ')
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

export const statusWords: Record<Status, string> = {
  running: 'Running',
  succeeded: 'Succeeded',
  partial: 'Partial',
  failed: 'Failed',
  cancelled: 'Stopped',
}

/** How a run or its job has ended, after what ended. */
export const endWords: Partial<Record<Status | JobState, string>> = {
  succeeded: 'succeeded',
  partial: 'left something out',
  failed: 'failed',
  cancelled: 'was stopped',
  interrupted: 'broke off',
}

/** The reasons why a line is not an event: name and explanation. */
export const rejections: Record<string, [string, string]> = {
  not_json: ['Not JSON', 'The line cannot be read as JSON'],
  not_object: ['Not an object', 'The line is JSON, but not an object'],
  too_long: ['Too long', 'The line is longer than an event may be'],
  too_deep: ['Too deep', 'Objects are nested deeper than an event may be'],
  unreadable: ['Unreadable', 'Reading the line failed in Headgate itself'],
  released: ['Given up', 'It waited for a table, and was given up'],
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
  no_event_table: [
    'No event table',
    'The name of the track has no letter of a to z and no digit to name a table by; its row is in `tracks`',
  ],
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

/** Why lines and values of a run are not in the lake: words by which the run is found. */
export function reasonsOf({
  rejected,
  discards,
}: Pick<RunReport, 'rejected' | 'discards'>): string {
  const of = (counted: Counted[], words: Record<string, [string, string]>) =>
    counted.map((one) => `${one.reason} ${reason(words, one.reason)[0]}`)
  return [...of(rejected, rejections), ...of(discards, reasons)].join(' ')
}

/** What needs attention: title and details. */
export function need(need: Attention): [string, string] {
  const [matter, more] = needOf(need)
  const { events } = need
  if (!['failed', 'broke_off', 'cancelled', 'tables'].includes(need.kind)) return [matter, more]
  // What a table lacks is in its message.
  const isSaid = need.error?.code === 'table_behind'
  const rest = astray(isSaid ? { waiting: events.waiting, lost: 0 } : events)
  return [matter, [more, rest].filter(Boolean).join(' ')]
}

function needOf(need: Attention): [string, string] {
  const of = need.source ? `of ${quoted(need.source)}` : 'of several sources'
  const said = need.error ? need.error.message : ''
  const on = need.on ?? ''
  switch (need.kind) {
    case 'failed':
      return [`Run ${quoted(need.run)} ${of} failed.`, said]
    case 'broke_off':
      return [
        `Run ${quoted(need.run)} ${of} broke off after a part had landed.`,
        `${said} Run it again for the rest.`.trim(),
      ]
    case 'cancelled':
      return [`Run ${quoted(need.run)} ${of} was stopped.`, 'Run it again for the rest.']
    case 'tables':
      if (need.error?.code === 'table_behind') {
        const others = need.count - 1
        const and =
          others > 0
            ? `, and ${many(others, 'other table needs', 'other tables need')} you too`
            : ''
        return [`${quoted(on)} lacks rows that were written to it${and}.`, said]
      }
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
        `${many(need.count, 'line')} ${of} could not be read as ${need.count === 1 ? 'an event' : 'events'}.`,
        `${need.count === 1 ? 'It is kept with its reason' : 'They are kept with their reasons'}; the other lines are in.`,
      ]
    case 'discarded':
      return [
        `${many(need.count, 'value')} ${of} had no place in a column.`,
        'Their rows are in; the values are in `headgate_discards`.',
      ]
  }
}

/** How severe something is that needs attention; a note is about rows that have landed. */
export type Harm = 'failed' | 'warning' | 'note'

/** Lost events and runs that brought next to nothing are failures, whatever their status. */
export function harm({ kind, events: { received, rejected, lost } }: Attention): Harm {
  if (kind === 'discarded') return 'note'
  const isFailed =
    kind === 'failed' ||
    (kind === 'tables' && lost > 0) ||
    (kind === 'rejected' && rejected * 2 > received)
  return isFailed ? 'failed' : 'warning'
}

/** Which part of the events of its run something keeps from the lake, from 0 to 1; null where that is not known. */
export function partOf({ kind, count, events }: Attention): number | null {
  const { received, written, duplicate, waiting, lost } = events
  if (kind === 'discarded' || kind === 'files') return null
  if (kind === 'failed') return 1
  if (received === 0) return null
  const missing = {
    broke_off: received - written - duplicate,
    cancelled: received - written - duplicate,
    tables: waiting + lost,
    rejected: count,
  }[kind]
  return Math.min(1, missing / received)
}

/** What needs attention, the worst first: by its harm, then by the part of its events. */
export function byHarm(needs: readonly Attention[]): Attention[] {
  const order: Harm[] = ['failed', 'warning', 'note']
  const rank = (one: Attention) => order.indexOf(harm(one))
  return needs.toSorted((a, b) => rank(a) - rank(b) || (partOf(b) ?? 0) - (partOf(a) ?? 0))
}

/** Of a run that is `partial` on record and landed less than this part of its events, next to nothing landed. */
const nextToNothing = 0.01

/** The status that a run is shown with: where next to nothing landed, it failed for whoever reads it. */
export function shownStatus({ status, events }: Pick<RunReport, 'status' | 'events'>): Status {
  const { received, written, duplicate, waiting } = events
  const safe = written + duplicate + waiting
  return status === 'partial' && received > 0 && safe < received * nextToNothing ? 'failed' : status
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
  const of = (isEvent: boolean) =>
    found.discards
      .filter(({ reason }) => (reason === 'no_event_table') === isEvent)
      .reduce((sum, discard) => sum + discard.count, 0)
  const [bare, aside] = [of(true), of(false)]
  const parts = [
    fresh > 0 ? many(fresh, 'new table') : '',
    columns > 0 ? many(columns, 'new column') : '',
  ].filter(Boolean)
  const mixed = found.tables
    .flatMap((table) => table.columns)
    .filter((column) => column.state === 'mixed').length
  const would = received - duplicate - rejected
  const into = parts.length > 0 ? `, in ${parts.join(' and ')}` : ''
  const head =
    would === received
      ? `${received === 1 ? 'The one event' : `All ${count(received)} events`} would land${into}`
      : `${count(would)} of ${count(received)} events would land${into}`
  const tail = [
    duplicate > 0 ? many(duplicate, 'is a duplicate', 'are duplicates') : '',
    rejected > 0 ? `${many(rejected, 'line')} cannot be read` : '',
    bare > 0
      ? `${many(bare, 'event')} would have no table of ${bare === 1 ? 'its' : 'their'} own`
      : '',
    aside > 0 ? `${many(aside, 'value')} would be set aside` : '',
    refused > 0 ? `${many(refused, 'table')} would refuse` : '',
    found.damaged.length > 0 ? `${many(found.damaged.length, 'file')} cannot be read whole` : '',
  ].filter(Boolean)
  const form = found.notices.find(({ code }) => forms.has(code))
  const other = form ? ` ${form.message}` : ''
  const decide =
    mixed > 0
      ? ` ${many(mixed, 'column mixes', 'columns mix')} types; decide before the first run.`
      : ''
  return `${head}${tail.length > 0 ? `; ${tail.join(', ')}` : ''}.${other}${decide} Nothing has been written.`
}

/** The codes of what is said of files that are not one event a line. */
const forms = new Set([
  'json_array',
  'indented_json',
  'batch_request',
  'no_line_ends',
  'gzip_in_gzip',
  'utf16',
])

/** Whether a file is not one event a line: then one sentence says more than all its lines. */
export function isOtherForm({ notices }: Pick<Preview, 'notices'>): boolean {
  return notices.some(({ code }) => forms.has(code))
}

/** What of a preview's files would not land, in one line, and whether that is wrong; nothing where all would. */
export function leftOut(found: Preview): { text: string; isWrong: boolean } | null {
  const { rejected } = found.events
  const parts = [
    rejected > 0 ? `${many(rejected, 'line')} cannot be read` : '',
    found.damaged.length > 0 ? `${many(found.damaged.length, 'file')} cannot be read whole` : '',
    found.ignored > 0 ? `${many(found.ignored, 'file')} ignored` : '',
    ...(rejected === 0 && found.ignored === 0 && found.notices.length > 0 ? ['Good to know'] : []),
  ].filter(Boolean)
  if (parts.length === 0) return null
  return { text: parts.join(', '), isWrong: rejected > 0 || found.damaged.length > 0 }
}

/** Why a column that mixes types becomes STRING, and what the other values would fit. */
export function mixes(types: readonly PreviewType[]): { because: string; others: string } {
  const all = types.reduce((sum, { count }) => sum + count, 0)
  const { type, fit } = bestType(types)
  const reasons = types
    .filter((of) => !holds(type, of.type))
    .map((of, at) => {
      const counted = at === 0 ? `${count(of.count)} of ${many(all, 'value')}` : count(of.count)
      const example = of.example === null ? '' : ` (${quoted(of.example)})`
      return `${counted} ${are(of)}${example}`
    })
  const examples = types
    .filter((of) => holds(type, of.type))
    .flatMap(({ example }) => (example === null ? [] : [quoted(example)]))
  const such = examples.length > 0 ? ` (${examples.join(', ')})` : ''
  return {
    because: `STRING, because ${reasons.join(' and ')}.`,
    others: `The other ${fit === 1 ? 'one' : count(fit)} would fit ${type}${such}.`,
  }
}

/** The type other than STRING that most of some values have, and how many. */
export function bestType(types: readonly PreviewType[]): { type: ColumnType; fit: number } {
  const number = types.some(({ type }) => type === 'DOUBLE') ? 'DOUBLE' : 'BIGINT'
  return ([number, 'BOOLEAN', 'TIMESTAMP'] as const)
    .map((type) => ({
      type,
      fit: types.reduce((sum, of) => sum + (holds(type, of.type) ? of.count : 0), 0),
    }))
    .reduce((best, other) => (other.fit > best.fit ? other : best))
}

function holds(type: ColumnType, of: ColumnType): boolean {
  return type === of || (type === 'DOUBLE' && of === 'BIGINT')
}

/** What the values of one type are, in words. */
function are({ type, count }: PreviewType): string {
  const [one, more] = {
    BIGINT: ['is a whole number', 'are whole numbers'],
    DOUBLE: ['is a number', 'are numbers'],
    BOOLEAN: ['is true or false', 'are true or false'],
    TIMESTAMP: ['is a time', 'are times'],
    STRING: ['is text', 'are text'],
  }[type]
  return (count === 1 ? one : more) as string
}
