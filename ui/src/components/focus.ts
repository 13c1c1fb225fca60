// Moves the focus to the control that replaced the one that had it.

import type { Attachment } from 'svelte/attachments'

const controls = 'button:not(:disabled), input:not(:disabled), select, [tabindex="0"]'

const within = (host: Element) => [...host.querySelectorAll<HTMLElement>(controls)]

/** Keeps the focus among the controls of an element whose parts come and go. For `{@attach …}`. */
export function keepsFocus(host: HTMLElement): () => void {
  /** What is around the focus, from the inside, with the focus's number among its controls. */
  let held: [Element, number][] = []

  function took({ target }: FocusEvent) {
    held = []
    if (!(target instanceof HTMLElement) || !host.contains(target)) return
    for (let around = target.parentElement; around; around = around.parentElement) {
      held.push([around, within(around).indexOf(target)])
      if (around === host) break
    }
  }

  // What loses the focus and is still there was left.
  function left({ target }: FocusEvent) {
    queueMicrotask(() => {
      if (document.activeElement === document.body && (target as Node).isConnected) held = []
    })
  }

  const watch = new MutationObserver(() => {
    if (document.activeElement !== document.body) return
    for (const [around, at] of held) {
      const now = around.isConnected ? within(around) : []
      const next = at < 0 ? undefined : now[Math.min(at, now.length - 1)]
      if (next) return next.focus()
    }
  })
  watch.observe(host, { childList: true, subtree: true })
  document.addEventListener('focusin', took)
  document.addEventListener('focusout', left)
  return () => {
    watch.disconnect()
    document.removeEventListener('focusin', took)
    document.removeEventListener('focusout', left)
  }
}

/** Has the keys scroll an element while it has more than it shows. */
export const scrolledByKeys: Attachment<HTMLElement> = (element) => {
  const look = () => {
    if (element.scrollHeight > element.clientHeight) element.tabIndex = 0
    else element.removeAttribute('tabindex')
  }
  const sizes = new ResizeObserver(look)
  const watch = () => {
    for (const part of [element, ...element.children]) sizes.observe(part)
    look()
  }
  const parts = new MutationObserver(watch)
  parts.observe(element, { childList: true })
  watch()
  return () => {
    sizes.disconnect()
    parts.disconnect()
  }
}
