// What lives as long as the window: the sync that goes on, the clock, what was said in passing,
// files that are held over the page.

import {
  ask,
  asFailure,
  newCall,
  type CallAbout,
  type Failure,
  type HostEvent,
  type Progress,
  type RunReport,
  type SyncStart,
  type Theme,
} from './api'
import { address, go, route } from './route.svelte'

/** A sync that this window started. */
export interface Going {
  call: string
  about: CallAbout
  progress: Progress | null
  stopping: boolean
  /** Why it could not be asked to stop. */
  failure: Failure | null
}

/** Something that is said in passing and needs no answer. */
export interface Toast {
  text: string
  /** Whether it says that something was done. */
  done: boolean
}

class Live {
  /** The sync that goes on. */
  going = $state.raw<Going | null>(null)
  /** Why the last one did not begin. */
  refused = $state.raw<Failure | null>(null)
  /** Counts up when runs have changed, so that pages ask again. */
  runs = $state(0)
  /** Now, to the tenth second; pages read the runs again by it. */
  now = $state(Date.now())
  toast = $state.raw<Toast | null>(null)
  /** Whether files are held over the window. */
  over = $state(false)
  dropped = $state.raw<string[]>([])
  palette = $state(false)
  keys = $state(false)
  /** The role whose policy is being written by this window. */
  writing = $state<string | null>(null)
  /** The commands that the window waits for before it closes. */
  closing = $state.raw<string[]>([])

  #toast: ReturnType<typeof setTimeout> | undefined

  begin(): void {
    setInterval(() => (this.now = Date.now()), 10_000)
    // Whoever comes back may have run something in a terminal.
    addEventListener('focus', () => (this.now = Date.now()))
    void this.#find()
    void this.#listen()
  }

  /** Says that something was done. What failed is shown where it failed. */
  say(text: string): void {
    this.#show({ text, done: true })
  }

  /** Says something worth knowing. */
  note(text: string): void {
    this.#show({ text, done: false })
  }

  #show(toast: Toast): void {
    clearTimeout(this.#toast)
    this.toast = toast
    this.#toast = setTimeout(() => (this.toast = null), 2_500)
  }

  /** Starts a sync; its run's page shows how it goes on, unless another page was opened meanwhile. */
  async sync(request: SyncStart): Promise<RunReport | null> {
    if (this.going) return null
    const call = newCall()
    const { page, object } = route.now
    const show = (run: string) => {
      if (route.now.page === page && route.now.object === object) go(address('syncs', run))
    }
    this.refused = null
    this.going = { call, about: request, progress: null, stopping: false, failure: null }
    let shown = false
    const progress = (progress: Progress) => {
      if (this.going?.call !== call) return
      this.going = { ...this.going, progress }
      if (!shown && progress.run) {
        shown = true
        this.runs += 1
        show(progress.run)
      }
    }
    try {
      const report = await ask('sync_start', request, { call, progress })
      if (!shown) show(report.run)
      return report
    } catch (thrown) {
      this.refused = asFailure(thrown)
      return null
    } finally {
      this.going = null
      this.runs += 1
      this.now = Date.now()
    }
  }

  /** A refusal belongs to the form that it answered. */
  forget(): void {
    this.refused = null
  }

  async stop(): Promise<void> {
    if (!this.going) return
    this.going = { ...this.going, stopping: true, failure: null }
    try {
      await ask('calls_cancel', { call: this.going.call })
    } catch (thrown) {
      if (this.going) this.going = { ...this.going, stopping: false, failure: asFailure(thrown) }
    }
  }

  theme(theme: Theme): void {
    const root = document.documentElement
    if (theme === 'system') delete root.dataset.theme
    else root.dataset.theme = theme
  }

  /** After a reload of the page a sync may go on that it knows nothing of. */
  async #find(): Promise<void> {
    try {
      for (;;) {
        const { calls } = await ask('calls_list', {})
        const found = calls.find((call) => call.command === 'sync_start')
        if (!found?.about) break
        this.going = {
          call: found.id,
          about: found.about,
          progress: found.progress,
          stopping: this.going?.stopping ?? false,
          failure: this.going?.failure ?? null,
        }
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    } catch {
      // The pages ask for themselves, and say what is wrong.
    }
    if (this.going) {
      this.going = null
      this.runs += 1
    }
  }

  async #listen(): Promise<void> {
    const progress = (event: HostEvent) => {
      if (event.kind === 'over') this.over = true
      if (event.kind === 'away') this.over = false
      if (event.kind === 'open') go(event.address)
      if (event.kind === 'closing') this.closing = event.commands
      if (event.kind === 'dropped') {
        this.over = false
        this.dropped = event.paths
        if (route.now.page !== 'schemas') go(address('schemas'))
      }
    }
    try {
      await ask('host_events', {}, { call: 'events', progress })
    } catch {
      // Without a desktop nothing is dropped.
    }
  }
}

export const live = new Live()
