// `query`: reads an answer from the core for a component, and reads it again when the request changes or the core
// reports that the data has changed.
//
//   const run = query('runs_show', () => ({ run: id }))
//   const runs = query('runs_list', () => ({ before: null, limit: 100 }), { pages: byCursor })
//
// While the request is `undefined` nothing is sent. An answer to an older request is never shown. Commands that
// change something are called with `ask`.

import { untrack } from 'svelte'
import { ask } from './index'
import { events } from './events.svelte'
import { asFailure, newCall, type Name } from './host'
import { patient, reads, type Commands, type CoreEvent, type Failure } from './generated'

type Request<K extends Name> = Commands[K]['request']
type Response<K extends Name> = Commands[K]['response']
type Progress<K extends Name> = Commands[K]['progress']

export interface Pages<K extends Name> {
  /** What the request for the next page has that the first one's has not; nothing at the end. */
  next: (soFar: Response<K>) => Partial<Request<K>> | null
  /** Puts a page behind those before it. */
  join: (soFar: Response<K>, page: Response<K>) => Response<K>
}

export interface Options<K extends Name> {
  /** How long a changing request must be unchanged before it is sent, in milliseconds. */
  debounce?: number
  /**
   * What a request is about. While that stays the same, the old answer is shown until the new one is
   * there; otherwise the request as a whole is what it is about.
   */
  key?: (request: Request<K>) => string
  pages?: Pages<K>
  /** False where the answer cannot change while it is shown. */
  follow?: boolean
}

export interface Query<K extends Name> {
  readonly value: Response<K> | undefined
  /** Why the latest question was not answered; the value, if there is one, is older. */
  readonly failure: Failure | undefined
  /** Whether a requested answer is on its way. Reading again after a change is silent. */
  readonly waiting: boolean
  /** The progress of the running call. */
  readonly progress: Progress<K> | undefined
  /** Whether there is another page. */
  readonly hasMore: boolean
  /** Reads the next page. */
  more(): void
  /** Asks again at once; the old answer stays until the new one is there. */
  refetch(): void
  /** Asks the call to stop. */
  cancel(): Promise<void>
  /** Shows what a command answered that changed it. */
  set(value: Response<K>): void
}

/** Changes that come so close together are one, in milliseconds. */
const burst = 50
/** The longest pause between two answers, however long they take. */
const longestPause = 30_000

/** Asks a command for as long as the component lives that calls this. */
export function query<K extends Name>(
  name: K,
  request: () => Request<K> | undefined,
  options: Options<K> = {},
): Query<K> {
  const asking = new Asking(name, options)
  $effect(() => {
    const now = request()
    untrack(() => asking.take(now))
  })
  $effect(() => {
    const deafen = events.listen((event) => asking.hear(event))
    return () => {
      deafen()
      asking.take(undefined)
    }
  })
  return asking
}

class Asking<K extends Name> implements Query<K> {
  value = $state.raw<Response<K>>()
  failure = $state.raw<Failure>()
  waiting = $state(false)
  progress = $state.raw<Progress<K>>()

  readonly #name: K
  readonly #options: Options<K>
  #request: Request<K> | undefined
  /** The request as text: the same text is the same request. */
  #text: string | undefined
  #about: string | undefined
  /** The running call; empty when there is none. */
  #call = ''
  /** Until it is sent. */
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Whether something changed since the running call began. */
  #stale = false
  /** How many pages are wanted, and how many the value has. */
  #wanted = 1
  #loaded = 0
  /** When it may be sent again because of a change. */
  #notBefore = 0

  constructor(name: K, options: Options<K>) {
    this.#name = name
    this.#options = options
  }

  get hasMore(): boolean {
    return this.value !== undefined && !!this.#options.pages?.next(this.value)
  }

  /** Takes the request as it is now. */
  take(request: Request<K> | undefined): void {
    const text = request === undefined ? undefined : JSON.stringify(request)
    if (text === this.#text) return
    const isFirst = this.#text === undefined
    const about = request === undefined ? undefined : (this.#options.key?.(request) ?? text)
    if (about !== this.#about) {
      this.value = undefined
      this.failure = undefined
      this.#notBefore = 0
    }
    this.#drop()
    this.#request = request
    this.#text = text
    this.#about = about
    this.#wanted = 1
    if (request === undefined) return
    this.waiting = true
    const { debounce = 0 } = this.#options
    if (isFirst || debounce === 0) void this.#ask()
    else this.#askIn(debounce)
  }

  /** Takes note of a change in the core. */
  hear(event: CoreEvent): void {
    const tags = reads[this.#name]
    if (!tags || this.#options.follow === false || this.#request === undefined) return
    const concerns =
      event.kind === 'missed' ||
      (event.kind === 'changed' && event.tags.some((tag) => tags.includes(tag)))
    if (!concerns) return
    if (this.#call) this.#stale = true
    else if (this.#timer === undefined) this.#askAfterChange()
  }

  more(): void {
    if (!this.hasMore) return
    this.#wanted = this.#loaded + 1
    this.waiting = true
    // One that is running, or about to, reads it too.
    if (!this.#call && this.#timer === undefined) void this.#ask(this.value)
  }

  refetch(): void {
    if (this.#request === undefined) return
    this.#drop()
    this.waiting = true
    void this.#ask()
  }

  async cancel(): Promise<void> {
    if (!this.#call) return
    try {
      await ask('calls_cancel', { call: this.#call })
    } catch (thrown) {
      this.failure = asFailure(thrown)
    }
  }

  set(value: Response<K>): void {
    this.#drop()
    this.value = value
    this.failure = undefined
    this.#loaded = 1
    this.#wanted = 1
  }

  #askIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#ask(), ms)
  }

  /** Data that changes all the time is read for a third of the time at most. */
  #askAfterChange(): void {
    this.#askIn(Math.max(burst, this.#notBefore - Date.now()))
  }

  /** Drops the running call and the next one; an answer that still arrives is late. */
  #drop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#call && patient.has(this.#name)) {
      void ask('calls_cancel', { call: this.#call }).catch(() => {})
    }
    this.#call = ''
    this.#stale = false
    this.waiting = false
    this.progress = undefined
  }

  /** Asks for as many pages as are wanted: from the start, or for those behind a value. */
  async #ask(behind?: Response<K>): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#stale = false
    const call = (this.#call = newCall())
    const isLate = () => this.#call !== call
    const begun = Date.now()
    const progress = (progress: Progress<K>) => {
      if (!isLate()) this.progress = progress
    }
    const request = this.#request as Request<K>
    const { pages } = this.#options
    let value = behind
    let loaded = behind === undefined ? 0 : this.#loaded
    try {
      for (;;) {
        const cursor = value === undefined ? {} : pages?.next(value)
        if (!cursor || (value !== undefined && loaded >= this.#wanted)) break
        const page = await ask(this.#name, { ...request, ...cursor }, { call, progress })
        if (isLate()) return
        value = value === undefined ? page : (pages?.join(value, page) ?? page)
        loaded += 1
      }
      this.value = value
      this.failure = undefined
      this.#loaded = loaded
    } catch (thrown) {
      if (isLate()) return
      this.failure = asFailure(thrown)
    }
    this.#wanted = Math.max(1, this.#loaded)
    this.#call = ''
    this.waiting = false
    this.progress = undefined
    this.#notBefore = Date.now() + Math.min(longestPause, 2 * (Date.now() - begun))
    if (this.#stale) this.#askAfterChange()
  }
}
