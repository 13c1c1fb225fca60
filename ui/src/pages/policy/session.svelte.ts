// What of the policy page outlives the page, for one profile and as long as the window: the line to the
// draft that the core keeps, what was typed before there was a draft, and what a draft's page showed
// when it was left. The draft itself is the model's.

import type { Applied, KeptDraft, RoleRead } from '../../api'
import { withApplied } from './keptDraft'
import type { Ask } from './requests'

/** The text that is shown: what changes, the draft, or where it began. */
export type Tab = 'changes' | 'draft' | 'base'

/** What is not kept by the core, with the draft that it belongs to. */
export interface Left {
  base: string
  text: string
  tab: Tab
  newer: RoleRead | null
}

/** A model that has the draft now. */
export interface Holder {
  load(): Promise<unknown>
  applied(applied: Applied): Promise<unknown>
}

export class PolicySession {
  /** What is typed on the page without a policy. */
  typed = $state({ role: '', text: '', of: '' })
  left: Left | null = null

  readonly #ask: Ask
  readonly #profile: string | null
  #holder: Holder | null = null
  /** The newest draft that waits to be sent. */
  #next: { draft: KeptDraft | null } | null = null
  #sending: Promise<void> | null = null
  /** A draft that could not be kept: it lives here as long as the window. */
  #unkept: KeptDraft | null = null

  /** Of a profile by its id, else of the one in use. */
  constructor(ask: Ask, profile: string | null = null) {
    this.#ask = ask
    this.#profile = profile
  }

  hold(holder: Holder): void {
    this.#holder = holder
  }

  letGo(holder: Holder): void {
    if (this.#holder === holder) this.#holder = null
  }

  /** Whether the draft lives only here, because it could not be kept. */
  get isUnkept(): boolean {
    return this.#unkept !== null
  }

  /** The draft that is kept, after what was still to be kept. */
  async read(): Promise<KeptDraft | null> {
    await this.settled()
    return this.#unkept ?? (await this.#ask('policy_draft', {})).draft
  }

  /** Keeps a draft. One after the other is sent, and of those that wait only the newest. */
  keep(draft: KeptDraft | null): Promise<void> {
    this.#next = { draft }
    this.#sending ??= this.#send()
    return this.#sending
  }

  /** Sends what still waits at once, for a page that goes away. */
  hurry(): void {
    if (!this.#next) return
    const { draft } = this.#next
    this.#next = null
    this.#sendOne(draft).catch(() => {})
  }

  /** Waits until what is to be kept is, or could not be. */
  async settled(): Promise<void> {
    await this.#sending?.catch(() => {})
  }

  async #send(): Promise<void> {
    try {
      while (this.#next) {
        const { draft } = this.#next
        this.#next = null
        await this.#sendOne(draft).catch((thrown: unknown) => {
          if (!this.#next) throw thrown
        })
      }
    } finally {
      this.#sending = null
    }
  }

  async #sendOne(draft: KeptDraft | null): Promise<void> {
    try {
      await this.#ask('policy_draft_save', { profile: this.#profile, draft })
      this.#unkept = null
    } catch (thrown) {
      this.#unkept = draft
      throw thrown
    }
  }

  /** A change that ended after its page was left: told to the page that is open now, else to what is kept. */
  async deliver(applied: Applied): Promise<void> {
    const holder = this.#holder
    if (holder) {
      await holder.load()
      await holder.applied(applied)
      return
    }
    const kept = await this.read()
    const after = kept && withApplied(kept, applied)
    if (after) await this.keep(after)
  }
}
