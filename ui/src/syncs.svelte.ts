// Syncs that run or wait for their turn, of all windows and processes, and the requests of this window.

import {
  ask,
  asFailure,
  newCall,
  type CallAbout,
  type CoreEvent,
  type Failure,
  type Job,
  type Progress,
  type RunReport,
  type SyncStart,
} from './api'
import { events } from './api/events.svelte'
import { leaf } from './format'
import { isOpen, jobs } from './jobs.svelte'
import { address, go, route } from './route.svelte'
import { toast } from './toast.svelte'
import { endWords } from './words'

/** A sync that this window requested, until it has ended or its failure was seen. */
export class PendingSync {
  readonly request: SyncStart
  readonly call = newCall()
  /** Its job, once the core has queued it or begun it. */
  job = $state<string | null>(null)
  run = $state<string | null>(null)
  ended = $state(false)
  /** Why it did not begin. What goes wrong later is said by its run. */
  failure = $state.raw<Failure | null>(null)
  /** Whether the form that requested it is still there to show the failure. */
  attended = $state(true)

  constructor(request: SyncStart) {
    this.request = request
  }
}

class Syncs {
  /** The requests of this window. */
  pending = $state.raw<readonly PendingSync[]>([])
  /** Why jobs could not be asked to stop, by their ids. */
  notStopped = $state.raw<Readonly<Record<string, Failure>>>({})

  begin(): void {
    events.listen((event) => this.hear(event))
  }

  /** Those that have not ended, in the order of their queue. */
  get open(): Job[] {
    return jobs.list.filter((job) => job.kind === 'sync')
  }

  get running(): Job[] {
    return this.open.filter((job) => job.state !== 'queued')
  }

  get queued(): Job[] {
    return this.open.filter((job) => job.state === 'queued')
  }

  /** The sync of a run that is on record as running. */
  of({ run, status }: Pick<RunReport, 'run' | 'status'>): Job | undefined {
    if (status !== 'running') return undefined
    return [...this.running, ...jobs.ended].find((job) => job.run === run)
  }

  /** What did not begin, and whose form is gone. */
  get refused(): PendingSync[] {
    return this.pending.filter((one) => one.failure && !one.attended)
  }

  /** Finds the job of a request: only the job shows that it waits. */
  hear(event: CoreEvent): void {
    if (event.kind !== 'job') return
    const { job } = event
    if (job.kind !== 'sync' || job.actor !== 'window') return
    if (!isOpen(job)) return tellEnd(job)
    if (this.pending.some((one) => one.job === job.id)) return
    const mine = this.pending.find((one) => !one.ended && !one.job && isAbout(job, one.request))
    if (mine) mine.job = job.id
  }

  /** Asks for a sync. Its run is shown when it begins, unless another page was opened meanwhile. */
  start(request: SyncStart): PendingSync {
    const mine = new PendingSync(request)
    this.pending = [...this.pending, mine]
    void this.#carryOut(mine)
    return mine
  }

  async #carryOut(mine: PendingSync): Promise<void> {
    const { page, object } = route.now
    const show = (run: string | null) => {
      if (!run || mine.run) return
      mine.run = run
      if (route.now.page === page && route.now.object === object) go(address('syncs', run))
    }
    const progress = ({ run }: Progress) => show(run)
    try {
      show((await ask('sync_start', mine.request, { call: mine.call, progress })).run)
    } catch (thrown) {
      const failure = asFailure(thrown)
      // A run that has begun reports its own result, and leaving the queue on request is not a failure.
      if (!mine.run && failure.code !== 'cancelled') mine.failure = failure
    }
    mine.ended = true
    if (!mine.failure) this.clearError(mine)
  }

  /** The form that requested it is gone. A failure that it has shown is dropped; a later one is shown on Syncs. */
  leave(mine: PendingSync): void {
    mine.attended = false
    if (mine.failure) this.clearError(mine)
  }

  clearError(mine: PendingSync): void {
    this.pending = this.pending.filter((one) => one !== mine)
  }

  async stop(job: Job): Promise<void> {
    const { [job.id]: _, ...others } = this.notStopped
    this.notStopped = others
    try {
      await ask('jobs_cancel', { job: job.id })
    } catch (thrown) {
      this.notStopped = { ...others, [job.id]: asFailure(thrown) }
    }
  }
}

/** Tells whoever is elsewhere, or does not see the page, that a run has ended; its page says how. */
function tellEnd({ run, about, state }: Job): void {
  if (run === null) return
  const text = `The sync of ${sourceOf(about)} ${endWords[state] ?? 'has ended'}`
  if (state === 'succeeded') toast.done(text)
  else toast.note(text)
}

export const syncs = new Syncs()

/** What a job is about, as its source or the folder of its events. */
export function sourceOf(about: CallAbout | null): string {
  return about ? about.source || leaf(about.from) : 'another sync'
}

/** What a sync is doing that has no run yet. */
export function standing(job: Job, open: readonly Job[]): string {
  if (job.state === 'stopping') return 'Stopping'
  if (job.state === 'running') return 'Starting'
  const ahead = open.find((one) => one.id === job.waits_for)
  return `Waiting for ${ahead ? sourceOf(ahead.about) : 'other work'} to finish`
}

/** The syncs that a component requests, one after the other. */
export function syncStarter() {
  let mine = $state.raw<PendingSync>()
  $effect(() => () => {
    if (mine) syncs.leave(mine)
  })
  return {
    /** Why the last one did not begin. */
    get failure(): Failure | null {
      return mine?.failure ?? null
    },
    /** Whether the last one has neither ended nor failed. */
    get busy(): boolean {
      return mine !== undefined && !mine.ended
    },
    /** The job of the last one, once there is one. */
    get job(): Job | undefined {
      return syncs.open.find((job) => job.id === mine?.job)
    },
    start(request: SyncStart): void {
      if (mine) syncs.clearError(mine)
      mine = syncs.start(request)
    },
  }
}

function isAbout({ about }: Job, { from, to, source }: SyncStart): boolean {
  return about?.from === from && about.to === to && (about.source ?? null) === (source ?? null)
}
