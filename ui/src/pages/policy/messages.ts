// Sentences about a draft: the result first, then its state.

import type { Decision, Finding, MatrixView, Problem, StatementSays } from '../../api'
import { ago, count, many } from '../../format'

export const decisionWords: Record<Decision, string> = {
  allow: 'Allowed',
  implicit_deny: 'Denied',
  explicit_deny: 'Denied',
  unknown: 'Depends',
}

export const decisionLooks = {
  allow: ['passed', 'passed'],
  implicit_deny: ['failed', 'failed'],
  explicit_deny: ['failed', 'failed'],
  unknown: ['unknown', 'unknown'],
} as const

export const severityWords: Record<Finding['severity'], string> = {
  error: 'Error',
  security: 'Security',
  warning: 'Warning',
  info: 'Info',
}

/** "3 cells open, 2 close". */
export function cells(opens: number, closes: number): string {
  if (opens === 0 && closes === 0) return 'No cell changes'
  if (closes === 0) return many(opens, 'cell opens', 'cells open')
  if (opens === 0) return many(closes, 'cell closes', 'cells close')
  return `${many(opens, 'cell opens', 'cells open')}, ${count(closes)} ${closes === 1 ? 'closes' : 'close'}`
}

/** "a", "a and b", "a, b and c". */
export function list(words: string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** Callers that got in nowhere before, those that surely no longer do, and how many rows changed. */
function moved(matrix: MatrixView): { inside: string[]; outside: string[]; rows: number } {
  const inside: string[] = []
  const outside: string[] = []
  let rows = 0
  for (const [row, caller] of matrix.rows.entries()) {
    const cells = matrix.cells.filter((cell) => cell.row === row)
    const before = cells.some((cell) => cell.before === 'allow')
    const after = cells.some((cell) => cell.after === 'allow')
    if (after && !before) inside.push(caller.label)
    if (before && cells.every((cell) => cell.after.endsWith('deny'))) outside.push(caller.label)
    if (cells.some((cell) => cell.before !== cell.after)) rows += 1
  }
  return { inside, outside, rows }
}

export interface Standing {
  problems: Problem[]
  matrix: MatrixView | null
  /** Whether AWS would see no difference. */
  same: boolean
  /** Whether the texts are the same, byte for byte. */
  untouched: boolean
  mended: Finding[]
  findings: number
  /** When AWS was read; none for a policy that was pasted. */
  readAt: string | null
}

/** The findings that a draft mends, by their ids; those beyond three as a number. */
export function mendedIds(mended: readonly Pick<Finding, 'id'>[]): string[] {
  const ids = [...new Set(mended.map(({ id }) => id))]
  return ids.length > 3 ? [...ids.slice(0, 2), `${count(ids.length - 2)} more`] : ids
}

function does({ matrix, mended }: Standing): string {
  if (!matrix) return 'The draft differs.'
  if (matrix.cells.every((cell) => cell.before === null))
    return 'The draft is valid; the text that it began with is not.'
  const { inside, outside, rows } = moved(matrix)
  const few = inside.length <= 3 && outside.length <= 3
  const names = [
    inside.length > 0 ? `lets ${list(inside)} in` : '',
    outside.length > 0 ? `keeps ${list(outside)} out` : '',
  ].filter(Boolean)
  const counts = [
    matrix.opens > 0 ? `opens ${many(matrix.opens, 'cell')}` : '',
    matrix.closes > 0 ? `closes ${many(matrix.closes, 'cell')}` : '',
  ].filter(Boolean)
  // Names alone would be less than the whole answer when others changed too.
  const whole = rows === inside.length + outside.length
  const who = !few ? counts : whole ? names : [...names, ...counts]
  const mends = mended.length > 0 ? [`mends ${list(mendedIds(mended))}`] : []
  const said = list([...who, ...mends])
  return said ? `The draft ${said}.` : 'The draft changes no cell.'
}

/** The line under the title. */
export function lead(standing: Standing, now: number): string {
  const { problems, readAt } = standing
  const [problem] = problems
  if (problem) {
    const more = problems.length > 1 ? ` ${many(problems.length - 1, 'more problem')}.` : ''
    return `Line ${problem.line}: ${problem.message}${more} The draft is kept.`
  }
  const left =
    standing.findings > 0 ? ` ${many(standing.findings, 'finding')} to look at.` : ' No findings.'
  if (readAt === null) {
    const head = standing.untouched ? 'Pasted, not compared with AWS.' : does(standing)
    const tail = standing.untouched ? left : ' Not compared with AWS.'
    return `${head}${tail}`
  }
  const read = ago(readAt, now, true)
  if (standing.untouched) return `This is what AWS has, read ${read}.${left}`
  if (standing.same) return `Only the text differs; to AWS it means what it has, read ${read}.`
  return `${does(standing)} AWS has the old policy, read ${read}.`
}

/** What the footer says of a draft. */
export function changed(
  lines: { added: number; removed: number },
  matrix: MatrixView | null,
): string {
  const { added, removed } = lines
  if (added === 0 && removed === 0) return 'Nothing is changed.'
  const parts = [
    added > 0 ? many(added, 'line added', 'lines added') : '',
    removed > 0 ? `${added > 0 ? count(removed) : many(removed, 'line')} removed` : '',
  ].filter(Boolean)
  const who = matrix ? ` ${cells(matrix.opens, matrix.closes)}.` : ''
  return `${parts.join(', ')}.${who}`
}

/** A statement by its number and name. */
export function statementName(at: number, sid: string | null): string {
  return sid ? `${at + 1} ${sid}` : String(at + 1)
}

/** What a statement says to a caller. */
export function says(said: StatementSays): string {
  if (said.matches === 'yes') return said.effect
  return said.matches === 'unknown' ? 'Depends' : 'Nothing'
}

/** A column's name within a sentence: a capital only for whom it is named after. */
export function inSentence(column: string): string {
  return column.includes('’') ? column : column.charAt(0).toLowerCase() + column.slice(1)
}

/** The command in a hint that can be copied. */
export function commandIn(hint: string | null): string | null {
  return hint?.match(/`(aws [^`]+)`/)?.[1] ?? null
}
