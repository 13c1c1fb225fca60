// Toasts: short notices that need no answer. Errors are not toasts; they are shown where they occurred, except
// those of a key, which has no place of its own.

export interface Message {
  text: string
  /** Whether it says that something was done. */
  done: boolean
}

class Toast {
  message = $state.raw<Message | null>(null)

  #timer: ReturnType<typeof setTimeout> | undefined

  /** Says that something was done. */
  done(text: string): void {
    this.#show({ text, done: true })
  }

  /** Says something worth knowing. */
  note(text: string): void {
    this.#show({ text, done: false })
  }

  #show(message: Message): void {
    clearTimeout(this.#timer)
    this.message = message
    this.#timer = setTimeout(() => (this.message = null), 2_500)
  }
}

export const toast = new Toast()
