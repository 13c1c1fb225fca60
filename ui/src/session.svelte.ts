// State for as long as the window is open: what lies over the pages, and what happens at the desktop.

import type { HostEvent } from './api'
import { events } from './api/events.svelte'
import { clock } from './clock.svelte'
import { leaf } from './format'
import { jobs } from './jobs.svelte'
import { address, go, route } from './route.svelte'
import { syncs } from './syncs.svelte'
import { toast } from './toast.svelte'

class Session {
  palette = $state(false)
  keyHelp = $state(false)
  /** Whether files are held over the window. */
  filesOver = $state(false)
  /** The commands that the window waits for before it closes. */
  closing = $state.raw<string[]>([])

  #begun = false

  /** Begins to follow the core. Listeners first: what the stream says at once is heard too. */
  begin(): void {
    if (this.#begun) return
    this.#begun = true
    clock.begin()
    events.listen((event) => event.kind === 'host' && this.hear(event.event))
    syncs.begin()
    void events.follow()
    jobs.begin()
  }

  hear(event: HostEvent): void {
    if (event.kind === 'over') this.filesOver = true
    if (event.kind === 'away') this.filesOver = false
    if (event.kind === 'open') go(event.address)
    if (event.kind === 'closing') this.closing = event.commands
    if (event.kind === 'dropped') {
      this.filesOver = false
      open(event.paths)
    }
  }
}

/**
 * Opens the first of the files that were dropped: as a policy where one is worked on, else as events, with what was
 * compared before.
 */
function open([first, ...more]: string[]): void {
  if (!first) return
  const others = more.length === 1 ? `${leaf(more[0]!)} was` : `${more.length} others were`
  if (more.length > 0) toast.note(`Only ${leaf(first)} is shown; ${others} not opened`)
  if (route.now.page === 'policy') return go(address('policy', '', { file: first }))
  const compared = route.now.page === 'schemas' ? route.now.query : {}
  go(address('schemas', '', { ...compared, from: first, table: null }))
}

export const session = new Session()
