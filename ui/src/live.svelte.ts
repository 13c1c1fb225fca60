// What the trust-policy pages still take from here. Everything else is in `session`, `syncs`, `clock` and
// `toast`.

import { toast } from './toast.svelte'

class Live {
  /** The role whose policy is being written by this window. */
  writing = $state<string | null>(null)

  note(text: string): void {
    toast.note(text)
  }
}

export const live = new Live()
