// What outlives a visit of the policy page, for one profile and as long as the window: the queue of saves to the
// core, text that was typed before a draft existed, and which view was open. The draft itself belongs to the
// model.

import type { Applied, KeptDraft, RoleRead } from '../../api'
import { roleOf, withApplied } from './keptDraft'
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

/** A model that has a draft now. */
export interface Holder {
  readonly read: RoleRead | null
  load(): Promise<unknown>
  keep(): unknown
  applied(applied: Applied): Promise<unknown>
}

export class PolicySession {
  /** What is typed on the page without a policy. */
  typed = $state({ role: '', text: '', of: '' })
  left: Left | null = null

  /** The id of its profile; null for the one in use. */
  readonly profile: string | null

  readonly #ask: Ask
  #holder: Holder | null = null
  /** The newest draft of each role that waits to be sent. */
  readonly #waiting = new Map<string, KeptDraft>()
  #sending: Promise<void> | null = null
  /** Drafts that could not be kept: they live here as long as the window, the newest last. */
  readonly #unkept = new Map<string, KeptDraft>()

  /** Of a profile by its id, else of the one in use. */
  constructor(ask: Ask, profile: string | null = null) {
    this.#ask = ask
    this.profile = profile
  }

  hold(holder: Holder): void {
    this.#holder = holder
  }

  letGo(holder: Holder): void {
    if (this.#holder === holder) this.#holder = null
  }

  /** Whether a role's draft lives only here, because it could not be kept. */
  isUnkept(role: string): boolean {
    return this.#unkept.has(role)
  }

  /** The draft of a role, else the latest, after what was still to be kept. */
  async read(role?: string): Promise<KeptDraft | null> {
    await this.settled()
    const here = role === undefined ? [...this.#unkept.values()].at(-1) : this.#unkept.get(role)
    if (here) return here
    return (await this.#ask('policy_draft', { profile: this.profile, role })).draft
  }

  /** Whether a role has a draft that is kept. */
  async has(role: string): Promise<boolean> {
    return (await this.read(role)) !== null
  }

  /** Keeps a draft. One after the other is sent, and of those of a role that wait only the newest. */
  keep(draft: KeptDraft): Promise<void> {
    this.#waiting.set(roleOf(draft), draft)
    this.#sending ??= this.#send()
    return this.#sending
  }

  /** Discards the draft of a role. */
  async discard(role: string): Promise<void> {
    this.#waiting.delete(role)
    await this.#sending?.catch(() => {})
    this.#unkept.delete(role)
    await this.#ask('policy_draft_discard', { profile: this.profile, role })
  }

  /** Sends what still waits at once, for a page that goes away. */
  hurry(): void {
    for (const draft of this.#waiting.values()) this.#sendOne(draft).catch(() => {})
    this.#waiting.clear()
  }

  /** Waits until everything is saved, or has failed. */
  async settled(): Promise<void> {
    await this.#sending?.catch(() => {})
  }

  async #send(): Promise<void> {
    let thrown: unknown
    let hasFailed = false
    for (const [role, draft] of this.#next()) {
      try {
        await this.#sendOne(draft)
      } catch (one) {
        if (this.#waiting.has(role)) continue
        thrown = one
        hasFailed = true
      }
    }
    this.#sending = null
    if (hasFailed) throw thrown
  }

  /** What waits, the one that waits longest first, until nothing does. */
  *#next(): Generator<[string, KeptDraft]> {
    for (;;) {
      const [first] = this.#waiting
      if (!first) return
      this.#waiting.delete(first[0])
      yield first
    }
  }

  async #sendOne(draft: KeptDraft): Promise<void> {
    const role = roleOf(draft)
    try {
      await this.#ask('policy_draft_save', { profile: this.profile, draft })
      this.#unkept.delete(role)
    } catch (thrown) {
      this.#unkept.delete(role)
      this.#unkept.set(role, draft)
      throw thrown
    }
  }

  /** A change that ended after its role was left: passed to the page that has it open, else to the saved draft. */
  async deliver(applied: Applied): Promise<void> {
    const { role } = applied.change
    const holder = this.#holder
    await holder?.load()
    if (holder?.read?.role.arn === role) {
      await holder.applied(applied)
      return
    }
    const kept = await this.read(role)
    const after = kept && withApplied(kept, applied)
    if (!after) return
    await this.keep(after)
    // What is open is still the latest.
    holder?.keep()
  }
}
