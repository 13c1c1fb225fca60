// The jobs that have not ended, of all windows and processes: read once, then updated by the stream of events.

import { ask, type CoreEvent, type Job, type Jobs, type JobState } from './api'
import { events } from './api/events.svelte'

const openStates: readonly JobState[] = ['queued', 'running', 'stopping']

/** How many of those that have ended are remembered. */
const remembered = 20

export function isOpen(job: Job): boolean {
  return openStates.includes(job.state)
}

/** Jobs in the order of their requests, with one of them updated. */
export function withJob(jobs: readonly Job[], job: Job): Job[] {
  const others = jobs.filter((one) => one.id !== job.id)
  if (!isOpen(job)) return others
  return [...others, job].toSorted(
    (a, b) => Date.parse(a.queued) - Date.parse(b.queued) || (a.id < b.id ? -1 : 1),
  )
}

export class OpenJobs {
  /** In the order of their requests. */
  list = $state.raw<readonly Job[]>([])
  /** The latest that have ended: what they did may be on record a moment later. */
  ended = $state.raw<readonly Job[]>([])

  /** What came while the list is read: it is newer than the list. */
  #meanwhile: Job[] | null = null

  begin(): void {
    events.listen((event) => this.hear(event))
    void this.read()
  }

  hear(event: CoreEvent): void {
    // Jobs of other processes are known from the list alone.
    const changed = event.kind === 'changed' && event.tags.includes('jobs')
    if (event.kind === 'missed' || changed) void this.read()
    if (event.kind !== 'job') return
    this.#meanwhile?.push(event.job)
    this.list = withJob(this.list, event.job)
    if (!isOpen(event.job)) this.ended = [event.job, ...this.ended].slice(0, remembered)
  }

  /** Reads the whole list. One that cannot be read stays as it is; the pages say what is wrong. */
  async read(): Promise<void> {
    const meanwhile: Job[] = (this.#meanwhile = [])
    const isLate = () => this.#meanwhile !== meanwhile
    const found: Job[] = []
    let before: string | null = null
    try {
      do {
        const page: Jobs = await ask('jobs_list', { open: true, before, limit: null })
        if (isLate()) return
        found.push(...page.jobs)
        before = page.next
      } while (before !== null)
      this.list = [...found, ...meanwhile].reduce<Job[]>(withJob, [])
    } catch {
      // What is known is all that can be shown.
    }
    if (!isLate()) this.#meanwhile = null
  }
}

export const jobs = new OpenJobs()
