// The keyboard map: what every key does, and the list that `?` shows. One table for both.

import { live } from './live.svelte'
import { address, go, pages } from './route.svelte'

export const keyMap: [string, string][] = [
  ['Ctrl K', 'go to any page, table, run, action'],
  ['Ctrl 1 to 5', 'pages, in the order of the rail'],
  ['Ctrl ,', 'settings'],
  ['Ctrl N', 'new sync'],
  ['/', 'search this list'],
  ['Up Down, J K', 'move in a list'],
  ['Enter', 'open what is chosen'],
  ['Esc', 'close, then back to the list'],
  ['Ctrl Enter', 'run, in a new sync'],
  ['R', 'read again'],
  ['S', 'sort by the chosen column, in a grid of rows'],
  ['C', 'copy the value in focus'],
  ['?', 'this list'],
]

/** Whether keys belong to what is in focus. */
function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) &&
    !['checkbox', 'radio', 'button'].includes((target as HTMLInputElement).type)
  )
}

function press(name: string): boolean {
  const target = document.querySelector<HTMLElement>(`[data-key="${name}"]`)
  if (!target) return false
  if (target instanceof HTMLInputElement) {
    target.focus()
    target.select()
  } else target.click()
  return true
}

function control(event: KeyboardEvent): boolean {
  const page = pages[Number(event.key) - 1]
  if (page) go(address(page))
  else if (event.key === 'k') live.palette = !live.palette
  else if (event.key === ',') go(address('settings'))
  else if (event.key === 'n') go(address('syncs', 'new'))
  else if (event.key === 'Enter') return press('run')
  else return false
  return true
}

function single(event: KeyboardEvent): boolean {
  if (event.key === '/') return press('search')
  if (event.key === '?') live.keys = true
  else if (event.key === 'r') return press('again')
  else if (event.key === 'c') {
    const value = document.activeElement?.closest<HTMLElement>('[data-copy]')?.dataset.copy
    if (!value) return false
    void live.copy(value, 'Value')
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
  if (!held && typing(event.target) && event.key !== 'Escape') return
  if (held ? control(event) : single(event)) event.preventDefault()
}
