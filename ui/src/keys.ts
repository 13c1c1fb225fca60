// The keyboard: what each key does, the controls that keys press, and the list that `?` shows.
//
//   <button {@attach key('again')}>Read again</button>

import type { Attachment } from 'svelte/attachments'
import { asFailure } from './api'
import { look } from './look.svelte'
import { pageKeys, pageOfKey } from './pages'
import { address, go } from './route.svelte'
import { session } from './session.svelte'
import { toast } from './toast.svelte'

/** Controls that a key presses or goes to, on the pages that have them. */
export type Control =
  'search' | 'again' | 'run' | 'undo' | 'redo' | 'paste' | 'list' | 'detail' | 'back'

/** The list that `?` shows. */
export function keyMap(): [keys: string, does: string][] {
  return [
    ['Ctrl K', 'go to any page, table, run, action'],
    ...pageKeys(),
    ['Ctrl N', 'new sync'],
    ['Ctrl +, Ctrl -, Ctrl 0', 'larger, smaller, usual size'],
    ['Ctrl wheel', 'larger, smaller'],
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
}

const controls = new Map<Control, HTMLElement[]>()

/** Has a key press a control for as long as it is there. Of several, the one that came last is pressed. */
export function key(name: Control): Attachment<HTMLElement> {
  return (element) => {
    // Also in the document, for tests.
    element.dataset.key = name
    controls.set(name, [...(controls.get(name) ?? []), element])
    return () => {
      controls.set(name, controls.get(name)?.filter((one) => one !== element) ?? [])
    }
  }
}

/** The control that a key presses; never one under a dialog. */
export function control(name: Control): HTMLElement | undefined {
  const over: ParentNode = document.querySelector('[role="dialog"]') ?? document
  return controls.get(name)?.findLast((one) => over.contains(one))
}

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

function press(name: Control): boolean {
  const target = control(name)
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

/** How a key changes the size of the page: by a step, or back to its own. */
const zooms: Record<string, 1 | -1 | 0> = { '+': 1, '=': 1, '-': -1, _: -1, '0': 0 }

/** Shows the page larger or smaller by a step, or in its own size again. */
export async function zoom(by: 1 | -1 | 0): Promise<void> {
  try {
    const { settings } = await look.zoomBy(by)
    toast.note(`Text size ${settings.zoom_percent} %`)
  } catch (thrown) {
    toast.note(`The text size stays as it is. ${asFailure(thrown).message}`)
  }
}

/** So far the wheel turns for a step, in pixels. */
const notch = 40
let turned = 0

/** Ctrl and the wheel; a pad says the same of two fingers. */
export function wheel(event: WheelEvent): void {
  if (!event.ctrlKey) return
  event.preventDefault()
  turned += event.deltaY
  if (Math.abs(turned) < notch) return
  void zoom(turned < 0 ? 1 : -1)
  turned = 0
}

function held(event: KeyboardEvent): boolean {
  const page = pageOfKey(event.key)
  if (event.key === 'k') session.palette = !session.palette
  else if (event.key === 'n') go(address('syncs', 'new'))
  else if (event.key === 'Enter') return press('run')
  else if (event.key.toLowerCase() === 'z') return press(event.shiftKey ? 'redo' : 'undo')
  else if (page) go(address(page))
  else return false
  return true
}

function single(event: KeyboardEvent): boolean {
  if (event.key.length === 1 && !look.letterKeys) return false
  if (event.key === '/') return press('search')
  if (event.key === '?') session.keyHelp = true
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
    if (control('back')?.checkVisibility()) return press('back')
    const list = control('list')
    if (!list || list === document.activeElement) return false
    list.focus()
  } else if (moves.includes(event.key)) return move(event)
  else return false
  return true
}

const moves = ['j', 'k', 'ArrowDown', 'ArrowUp']

/** Moves in the list, from where nothing else is moved. */
function move(event: KeyboardEvent): boolean {
  const [target] = event.composedPath()
  const list = control('list')
  if (!list || !(target instanceof HTMLElement) || !/^(BODY|H1)$/.test(target.tagName)) return false
  list.focus()
  const moved = { key: event.key, bubbles: true, cancelable: true }
  list.dispatchEvent(new KeyboardEvent('keydown', moved))
  return true
}

export function keyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return
  const open = session.palette || session.keyHelp
  const isHeld = event.ctrlKey || event.metaKey
  const size = isHeld ? zooms[event.key] : undefined
  if (size !== undefined) {
    event.preventDefault()
    return void zoom(size)
  }
  if (open && !(isHeld && event.key === 'k')) return
  if (!isHeld && typing(event) && event.key !== 'Escape') return
  // A field takes back what was typed into it; the editor leaves that to the draft.
  if (isHeld && event.key.toLowerCase() === 'z' && typing(event) && !inEditor(event)) return
  if (isHeld ? held(event) : single(event)) event.preventDefault()
}
