// The tables that the palette searches. A lake is read when it is first searched, and again after its tables have
// changed. Lakes on other machines are not read: each table costs requests.

import { ask, reads, type CoreEvent, type TableSummary } from '../api'

export interface FoundTable {
  lake: string
  table: TableSummary
}

export class TableIndex {
  found = $state.raw<readonly FoundTable[]>([])

  /** What lakes have; a lake that is being read, or could not be, has nothing. */
  #known = new Map<string, readonly TableSummary[]>()

  hear(event: CoreEvent): void {
    const isOurs =
      event.kind === 'changed' && event.tags.some((tag) => reads.tables_list?.includes(tag))
    if (isOurs || event.kind === 'missed') this.#known = new Map()
  }

  /** Finds the tables of these lakes, one lake after the other. */
  async read(lakes: readonly string[]): Promise<void> {
    const known = this.#known
    const local = lakes.filter(isLocal)
    const show = () => {
      this.found = local.flatMap((lake) =>
        (known.get(lake) ?? []).map((table): FoundTable => ({ lake, table })),
      )
    }
    for (const lake of local) {
      if (known.has(lake)) continue
      known.set(lake, [])
      const report = await ask('tables_list', { lake }).catch(() => undefined)
      known.set(lake, report?.tables ?? [])
      if (known === this.#known) show()
    }
    if (known === this.#known) show()
  }
}

/** Whether a lake is on this machine. */
export function isLocal(lake: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:\/\//i.test(lake) || lake.startsWith('file://')
}
