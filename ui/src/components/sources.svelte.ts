// The sources that have tables in a lake, suggested in forms. A lake on another machine is not read for this,
// because each table costs requests; nor is a lake that was never opened, because that asks the user.

import type { TablesReport } from '../api'
import { query } from '../api/query.svelte'
import { byName, many, quoted, visible } from '../format'
import { isLocal } from './tableIndex.svelte'

/** A source by the schema of its tables. */
export interface KnownSource {
  schema: string
  tables: number
}

/** The sources of a lake, in the order of their names. */
export function sourcesOf({ tables }: Pick<TablesReport, 'tables'>): KnownSource[] {
  const counts = new Map<string, number>()
  for (const { schema } of tables) counts.set(schema, (counts.get(schema) ?? 0) + 1)
  return [...counts]
    .map(([schema, tables]) => ({ schema, tables }))
    .toSorted((a, b) => byName(a.schema, b.schema))
}

/** That a lake has none of the sources of some events, and which it has; empty when it has one of them. */
export function isNewHere(schemas: readonly string[], known: readonly KnownSource[]): string {
  const [first, ...more] = known
  if (!first || known.some(({ schema }) => schemas.includes(schema))) return ''
  const others = more.length > 0 ? ` and ${many(more.length, 'more source')}` : ''
  const [schema, ...rest] = [...new Set(schemas)]
  if (schema === undefined) return ''
  const source =
    rest.length > 0 ? 'These sources are new here' : `${quoted(schema)} is a new source here`
  return `${source}; this lake has ${quoted(first.schema)}${others}.`
}

/** The sources of a lake that is known, as long as a component shows them; none until they are read. */
export function knownSources(lake: () => string, known: () => readonly string[]) {
  const report = query('tables_list', () => {
    const wanted = lake()
    return wanted && known().includes(wanted) && isLocal(wanted) ? { lake: wanted } : undefined
  })
  return {
    get list(): KnownSource[] {
      // The browser draws its list as it is.
      const all = report.value ? sourcesOf(report.value) : []
      return all.filter(({ schema }) => visible(schema) === schema)
    },
  }
}
