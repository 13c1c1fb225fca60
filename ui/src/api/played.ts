// A simulated core for unit tests: every call waits until the test answers it.
//
//   vi.mock('./http', async () => ({ http: (await import('./played')).played.host }))

import type { Failure, Job } from './generated'
import { failure, type Host, type Name } from './host'

export interface PlayedCall {
  name: Name
  request: unknown
  /** The page's name for the call. */
  call: string | undefined
  report(progress: unknown): void
  answer(response: unknown): Promise<void>
  fail(code: string): Promise<Failure>
}

class PlayedCore {
  /** Every call so far. */
  calls: PlayedCall[] = []

  readonly host: Host = {
    call: (name, request, options) =>
      new Promise((resolve, reject) => {
        this.calls.push({
          name,
          request,
          call: options?.call,
          report: (progress) => options?.progress?.(progress as never),
          answer: async (response) => {
            resolve(response as never)
            await settled()
          },
          fail: async (code) => {
            const refused = failure(code, `It failed: ${code}.`, 'Try again.')
            reject(refused)
            await settled()
            return refused
          },
        })
      }),
  }

  /** The calls of a command so far. */
  of(name: Name): PlayedCall[] {
    return this.calls.filter((one) => one.name === name)
  }

  /** The latest call of a command. */
  last(name: Name): PlayedCall {
    const found = this.of(name).at(-1)
    if (!found) throw new Error(`${name} was not asked`)
    return found
  }
}

/** Lets promises that are settled be taken note of. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

export const played = new PlayedCore()

/** A job as the core reports it. */
export function job(id: string, change: Partial<Job> = {}): Job {
  return {
    id,
    kind: 'sync',
    profile: 'default',
    actor: 'window',
    state: 'running',
    about: { from: `/in/${id}`, to: '/lake', source: id },
    waits_for: null,
    run: null,
    progress: null,
    queued: `2026-11-28T10:00:0${id.charCodeAt(0) % 10}Z`,
    started: null,
    ended: null,
    error: null,
    ...change,
  }
}
