// The entries of the palette (pages, actions, tables, lakes and runs), and the search among them.

import type { RunReport } from '../api'
import { ago, brief, leaf, many } from '../format'
import { entries } from '../pages'
import { address, go } from '../route.svelte'
import { reasonsOf, shownStatus, statusWords } from '../words'
import type { IconName } from './icons'
import type { FoundTable } from './tableIndex.svelte'

export const groups = ['Pages', 'Actions', 'Tables', 'Lakes', 'Runs'] as const

export interface Entry {
  group: (typeof groups)[number]
  icon: IconName
  name: string
  sub: string
  /** More words by which it is found. */
  keywords?: string
  /** What it does; the palette stays open until that is done. */
  act: () => void | Promise<void>
}

export const pageEntries: readonly Entry[] = entries.flatMap((page): Entry[] => [
  {
    group: 'Pages',
    icon: page.icon,
    name: page.title,
    sub: page.blurb,
    keywords: page.keywords,
    act: () => go(address(page.id)),
  },
  ...(page.actions ?? []).map(({ icon, name, blurb, object, query }): Entry => ({
    group: 'Actions',
    icon,
    name,
    sub: blurb,
    act: () => go(address(page.id, object, query)),
  })),
])

export function tableEntry({ lake, table }: FoundTable): Entry {
  const name = `${table.schema}.${table.table}`
  const rows =
    table.rows === null ? '' : `${table.rows === 1 ? '1 row' : `${brief(table.rows)} rows`}, `
  return {
    group: 'Tables',
    icon: 'tables',
    name,
    sub: `${rows}${leaf(lake)}`,
    keywords: table.columns.map((column) => column.name).join(' '),
    act: () => go(address('tables', '', { lake, table: name })),
  }
}

export function lakeEntry(lake: string): Entry {
  const act = () => go(address('tables', '', { lake }))
  return { group: 'Lakes', icon: 'lake', name: leaf(lake), sub: lake, act }
}

export function runEntry(run: RunReport, now: number): Entry {
  const ended = ago(run.finished ?? run.started, now)
  const what = `${statusWords[shownStatus(run)].toLowerCase()} ${ended}`
  return {
    group: 'Runs',
    icon: 'syncs',
    name: `Run ${run.run}`,
    sub: `${run.source ?? 'several sources'}, ${what}, ${many(run.events.received, 'event')}`,
    keywords: reasonsOf(run),
    act: () => go(address('syncs', run.run)),
  }
}

/** A run that is named and is not among those that were read. */
export function olderRun(words: string, runs: readonly RunReport[]): Entry[] {
  const [id] = words.trim().match(/^\d+(-[0-9a-f]*)?$/i) ?? []
  if (!id || runs.some((run) => run.run === id || run.run.startsWith(`${id}-`))) return []
  const act = () => go(address('syncs', id))
  return [{ group: 'Runs', icon: 'syncs', name: `Run ${id}`, sub: 'An older run', act }]
}

/** The words that are searched for; those behind `>` are searched among the actions. */
export function wordsOf(typed: string): string[] {
  return typed.replace(/^>/, '').toLowerCase().split(/\s+/).filter(Boolean)
}

export function search(all: readonly Entry[], typed: string): Entry[] {
  const words = wordsOf(typed)
  const start = words.join(' ')
  // A run is known by its number.
  const begins = ({ name }: Entry) =>
    name.toLowerCase().startsWith(start) || name.startsWith(`Run ${start}`)
  return all
    .filter((entry) => {
      if (typed.startsWith('>') && entry.group !== 'Actions') return false
      const text = `${entry.name} ${entry.sub} ${entry.keywords ?? ''}`.toLowerCase()
      return words.every((word) => text.includes(word))
    })
    .toSorted((a, b) => Number(begins(b)) - Number(begins(a)))
}
