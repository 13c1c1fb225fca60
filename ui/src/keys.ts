// The keyboard map: what every key does, and the list that `?` shows. One table for both.

import { live } from './live.svelte'
import { address, go, pages } from './route.svelte'

export const keyMap: [string, string][] = [
  ['Ctrl K', 'go to any page, table, run, action'],
  ['Ctrl 1 to 6', 'pages, in the order of the rail'],
  ['Ctrl ,', 'settings'],
  ['Ctrl N', 'new sync'],
  ['/', 'search this list'],
  ['Up Down, J K', 'move in a list'],
  ['Enter', 'open what is chosen'],
  ['Esc', 'close, then back to the list'],
  ['Ctrl Enter', 'run a new sync; review, then apply a draft'],
  ['Ctrl Z, Ctrl Shift Z', 'undo, redo in a policy draft'],
  ['[ ]', 'previous, next finding'],
  ['F', 'fix the finding in focus'],
  ['Arrows, E', 'move in the matrix, explain the cell'],
  ['R', 'read again'],
  ['S', 'sort by the chosen column, in a grid of rows'],
  ['C', 'copy the value in focus'],
  ['?', 'this list'],
]

/** Whether keys belong to what is in focus, an editor in a shadow root too. */
function typing(event: KeyboardEvent): boolean {
  const [target] = event.composedPath()
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) &&
    !['checkbox', 'radio', 'button'].includes((target as HTMLInputElement).type)
  )
}

function inEditor(event: KeyboardEvent): boolean {
  const [target] = event.composedPath()
  return target instanceof HTMLElement && target.isContentEditable
}

function press(name: string): boolean {
  // What lies under a dialog is not pressed.
  const over: ParentNode = document.querySelector('[role="dialog"]') ?? document
  const target = over.querySelector<HTMLElement>(`[data-key="${name}"]`)
  if (!target) return false
  if (target instanceof HTMLInputElement) {
    target.focus()
    target.select()
  } else target.click()
  return true
}

/** Moves among what was found, and opens nothing. */
function finding(by: number): boolean {
  if (document.querySelector('[role="dialog"]')) return false
  const all = [...document.querySelectorAll<HTMLElement>('[data-finding]')]
  const at = all.findIndex((one) => one === document.activeElement)
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length
  all[next]?.focus()
  return all.length > 0
}

function fix(): boolean {
  // The fix of what is in focus, which cannot be under a dialog.
  const found = document.activeElement?.closest('li')?.querySelector<HTMLElement>('[data-fix]')
  found?.click()
  return !!found
}

function control(event: KeyboardEvent): boolean {
  const page = pages[Number(event.key) - 1]
  if (page) go(address(page))
  else if (event.key === 'k') live.palette = !live.palette
  else if (event.key === ',') go(address('settings'))
  else if (event.key === 'n') go(address('syncs', 'new'))
  else if (event.key === 'Enter') return press('run')
  else if (event.key.toLowerCase() === 'z') return press(event.shiftKey ? 'redo' : 'undo')
  else return false
  return true
}

function single(event: KeyboardEvent): boolean {
  if (event.key === '/') return press('search')
  if (event.key === '?') live.keys = true
  else if (event.key === 'r') return press('again')
  else if (event.key === 'f') return fix()
  else if (event.key === '[') return finding(-1)
  else if (event.key === ']') return finding(1)
  else if (event.key === 'c') {
    const at = document.activeElement
    const button =
      at?.closest<HTMLElement>('[data-copy]') ??
      at?.closest('[data-copies]')?.querySelector<HTMLElement>('[data-copy]')
    if (!button) return false
    button.click()
  } else if (event.key === 'Escape') {
    const list = document.querySelector<HTMLElement>('[data-list]')
    if (!list || list === document.activeElement) return false
    list.focus()
  } else return false
  return true
}

export function keyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return
  const open = live.palette || live.keys
  const held = event.ctrlKey || event.metaKey
  if (open && !(held && event.key === 'k')) return
  if (!held && typing(event) && event.key !== 'Escape') return
  // A field takes back what was typed into it; the editor leaves that to the draft.
  if (held && event.key.toLowerCase() === 'z' && typing(event) && !inEditor(event)) return
  if (held ? control(event) : single(event)) event.preventDefault()
}
