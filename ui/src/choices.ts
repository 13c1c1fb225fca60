// Types chosen for columns before a table has them, as `schema.table.column=TYPE`: the form that addresses and
// requests use.

import type { ColumnType } from './api'

export const types: readonly ColumnType[] = ['BIGINT', 'DOUBLE', 'BOOLEAN', 'TIMESTAMP', 'STRING']

/** The choices of an address. */
export function chosenIn(query: Record<string, string>): string[] {
  return (query.columns ?? '').split(',').filter((choice) => choice !== '')
}

/** Choices as an address holds them; nothing where there are none. */
export function asQuery(choices: readonly string[]): string | null {
  return choices.join(',') || null
}

/** The column of a choice, as `schema.table.column`, and the type. */
export function parts(choice: string): [string, string] {
  const at = choice.indexOf('=')
  return [choice.slice(0, at), choice.slice(at + 1)]
}

/** The type that is chosen for a column, as `schema.table.column`, also by a choice for its twin. */
export function chosenType(choices: readonly string[], column: string): ColumnType | undefined {
  const chosen = choices.map(parts).find(([name]) => twins(column).includes(name))?.[1]
  return types.find((type) => type === chosen)
}

/** Choices with another type for one column, or with none. A column of `identifies` is one of `users` too. */
export function choose(
  choices: readonly string[],
  column: string,
  type: ColumnType | null,
): string[] {
  const others = choices.filter((choice) => !twins(column).includes(parts(choice)[0]))
  return type ? [...others, `${column}=${type}`] : others
}

function twins(column: string): string[] {
  const [schema = '', table = '', ...rest] = column.split('.')
  const other = { identifies: 'users', users: 'identifies' }[table]
  return other ? [column, [schema, other, ...rest].join('.')] : [column]
}
