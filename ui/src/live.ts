// What a screen reader is told as it happens: the one live region of the page, and what is said in it.
//
//   <p {@attach told}>{sentence}</p>

import type { Attachment } from 'svelte/attachments'

/** How long nothing changes before it is said, in milliseconds: who types is not talked over. */
const quiet = 500

class Live {
  /** What was said last. */
  text = ''

  #waiting = new Map<object, string>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #shown: HTMLElement | undefined

  /** Says a sentence once nothing changes any more; of one speaker only the last. */
  say(speaker: object, sentence: string): void {
    this.#waiting.set(speaker, sentence.replace(/\s+/g, ' ').trim())
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#speak(), quiet)
  }

  /** Makes an element the region. Its words are in a root of their own, so that who searches or copies the page meets each once. */
  region: Attachment<HTMLElement> = (element) => {
    const root = element.attachShadow({ mode: 'closed' })
    this.#shown = document.createElement('p')
    this.#shown.style.cssText =
      'position: fixed; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%)'
    root.append(this.#shown, document.createElement('slot'))
  }

  #speak(): void {
    this.text = [...this.#waiting.values()].filter(Boolean).join(' ')
    this.#waiting.clear()
    if (this.#shown) this.#shown.textContent = this.text
  }
}

export const live = new Live()

/** Has what stands in an element be said, now and whenever it changes. */
export const told: Attachment<HTMLElement> = (element) => {
  let last: string | undefined
  const tell = () => {
    if (element.textContent === last) return
    last = element.textContent ?? ''
    live.say(element, last)
  }
  const watch = new MutationObserver(tell)
  watch.observe(element, { childList: true, subtree: true, characterData: true })
  tell()
  return () => watch.disconnect()
}
