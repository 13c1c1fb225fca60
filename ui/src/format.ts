// Numbers, sizes, times and paths as text. Counts are grouped; numbers in names are not.

// The locale is fixed, so that a system without one does not decide.
const counts = new Intl.NumberFormat('en-US')
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const fullDate = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})

export function count(value: number): string {
  return counts.format(value)
}

/** "1 line", "2 lines". */
export function many(value: number, one: string, more = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : more}`
}

/** A count in a narrow column, at most five characters. */
export function brief(value: number): string {
  if (value < 10_000) return count(value)
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    // What rounds up to the next unit is shown in it.
    if (value >= size * 0.9995) {
      const scaled = value / size
      return `${scaled.toFixed(scaled < 9.95 ? 1 : 0)} ${unit}`
    }
  }
  return count(value)
}

/** Bytes in decimal units, as disks are sold. */
export function bytes(value: number): string {
  for (const [unit, size] of [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (value >= size) return `${(value / size).toFixed(value < size * 10 ? 1 : 0)} ${unit}`
  }
  return `${value} B`
}

export function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How long ago; less than a minute is "just now" unless seconds are requested. */
export function ago(at: string, now: number, toTheSecond = false): string {
  const seconds = Math.floor((now - Date.parse(at)) / 1000)
  if (Number.isNaN(seconds)) return 'at an unknown time'
  if (seconds < (toTheSecond ? 5 : 60)) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${many(Math.floor(seconds / 60), 'minute')} ago`
  if (seconds < 86_400) return `${many(Math.floor(seconds / 3600), 'hour')} ago`
  return `${many(Math.floor(seconds / 86_400), 'day')} ago`
}

/** The time in the user's zone, the day named only where it is not today. */
export function when(at: string, now: number): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return at
  const today = new Date(now)
  const time = clock.format(date)
  if (date.toDateString() === today.toDateString()) return `today at ${time}`
  const day = date.getFullYear() === today.getFullYear() ? dayAndMonth : fullDate
  return `${day.format(date)} at ${time}`
}

/** As `when`, for a narrow column. */
export function shortly(at: string, now: number): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return at
  const today = new Date(now)
  if (date.toDateString() === today.toDateString()) return clock.format(date)
  return (date.getFullYear() === today.getFullYear() ? dayAndMonth : fullDate).format(date)
}

/** The exact time in UTC as SQL and logs have it, for a title. */
export function utc(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return at
  return date.toISOString()
}

const names = new Intl.Collator('en-US', { numeric: true })

/** The order of names, in which 2 comes before 10. */
export function byName(a: string, b: string): number {
  return names.compare(a, b)
}

/** The user's time zone, in which times are shown. */
export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** A path's last part. */
export function leaf(path: string): string {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed.slice(trimmed.lastIndexOf('/') + 1) || path
}

/**
 * A long value in two halves, the second of which is never cut: whole parts of a path, where `end`
 * characters hold them.
 */
export function halves(value: string, end = 28): [string, string] {
  const least = Math.max(0, value.length - end)
  const slash = value.indexOf('/', least)
  const at = slash < 0 || slash >= value.length - 1 ? least : slash
  return [value.slice(0, at), value.slice(at)]
}

/** A command line that a POSIX shell reads as these words, whatever is in them. */
export function command(...words: string[]): string {
  return words
    .map((word) => (/^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
}

/** A share in whole per cent; never 0 or 100 unless it is. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '–'
  const per = (part / whole) * 100
  if (per > 0 && per < 1) return '< 1 %'
  return `${per < 100 && per > 99 ? 99 : Math.round(per)} %`
}

/** What acts on whoever shows it, or cannot be seen: the set and the marks of Rust's `Shown`. */
export const acts =
  /[\0-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu

/** A character of `acts` as it is shown. */
export function mark(character: string): string {
  const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  return short[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`
}

/** A value as it is drawn. Every component draws with it by itself: see `visible.js`. */
export function visible<T>(value: T): T | string {
  return typeof value === 'string' ? value.replace(acts, mark) : value
}

/** As `visible`, for a text of several lines. */
export function visibleLines<T>(value: T): T | string {
  if (typeof value !== 'string') return value
  const spaced = value.replaceAll('\r\n', '\n').replaceAll('\t', '    ')
  return spaced.replace(acts, (character) => (character === '\n' ? '\n' : mark(character)))
}

/** A sentence without the back-ticks around its values, for a title or another plain text. */
export function plain(sentence: string): string {
  return sentence.replaceAll('`', '')
}

/** A value between the back-ticks of a sentence, which it cannot end. */
export function quoted(value: string): string {
  return `\`${visible(value).replaceAll('`', '\\u{60}')}\``
}
