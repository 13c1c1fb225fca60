// Where the focus goes when what had it is gone: to the control that took its place.

const controls = 'button:not(:disabled), input:not(:disabled), select, [tabindex="0"]'

/** Keeps the focus among the controls of an element whose parts come and go. For `{@attach …}`. */
export function keepsFocus(host: HTMLElement): () => void {
  let held = -1
  const all = () => [...host.querySelectorAll<HTMLElement>(controls)]
  const took = (event: FocusEvent) => {
    held = host.contains(event.target as Node) ? all().indexOf(event.target as HTMLElement) : -1
  }
  // Whoever points elsewhere has left.
  const left = (event: PointerEvent) => {
    if (!host.contains(event.target as Node)) held = -1
  }
  const watch = new MutationObserver(() => {
    if (held < 0 || document.activeElement !== document.body) return
    const now = all()
    now[Math.min(held, now.length - 1)]?.focus()
  })
  watch.observe(host, { childList: true, subtree: true })
  document.addEventListener('focusin', took)
  document.addEventListener('pointerdown', left)
  return () => {
    watch.disconnect()
    document.removeEventListener('focusin', took)
    document.removeEventListener('pointerdown', left)
  }
}
