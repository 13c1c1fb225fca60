// The stream of events from the core: changed data, jobs, and what happens at the desktop.
//
// Components listen here instead of polling. A stream that ends is opened again; what happened meanwhile is
// unknown, so every listener gets `missed`.

import { ask } from './index'
import { newCall } from './host'
import type { CoreEvent } from './generated'

type Listener = (event: CoreEvent) => void

/** A stream that is silent for so long has been opened, in milliseconds. */
const openAfter = 500
/** One that lasts so long is not failing again and again. */
const steadyAfter = 5_000
/** The wait before the first and the longest before a later attempt. */
const firstWait = 250
const longestWait = 10_000

export class Events {
  /** Whether the stream cannot be opened again: what is shown may be out of date. */
  broken = $state(false)

  #listeners = new Set<Listener>()
  #finishing = new Set<() => Promise<unknown>>()

  /** Returns what ends the listening. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Has something done before the window closes, which waits a moment for it. Returns what ends that. */
  beforeLeaving(finish: () => Promise<unknown>): () => void {
    this.#finishing.add(finish)
    return () => this.#finishing.delete(finish)
  }

  /** Follows the core for as long as the page lives. */
  async follow(): Promise<never> {
    // The same name after a reload of this window, so that the core ends the stream that was left behind.
    const call = (window.name ||= `events-${newCall()}`)
    let wait = firstWait
    for (let attempt = 0; ; attempt += 1) {
      const begun = Date.now()
      let open = false
      const opened = () => {
        if (open) return
        open = true
        this.broken = false
        if (attempt > 0) this.#tell({ kind: 'missed' })
      }
      const timer = setTimeout(opened, openAfter)
      const progress = (event: CoreEvent) => {
        opened()
        if (event.kind === 'host' && event.event.kind === 'leaving') void this.#leave(call)
        else this.#tell(event)
      }
      // However it ends, it is opened again.
      await ask('events_follow', {}, { call, progress }).catch(() => {})
      clearTimeout(timer)
      if (Date.now() - begun >= steadyAfter) wait = firstWait
      else if (!open) this.broken = true
      await new Promise((done) => setTimeout(done, wait))
      wait = Math.min(longestWait, wait * 2)
    }
  }

  /** The window closes once its stream has ended. */
  async #leave(call: string): Promise<void> {
    await Promise.allSettled([...this.#finishing].map((finish) => finish()))
    await ask('calls_cancel', { call }).catch(() => {})
  }

  #tell(event: CoreEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

export const events = new Events()
