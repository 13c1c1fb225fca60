// Tests of the keyboard: which key presses which control, and what a dialog covers.

import { beforeEach, expect, test, vi } from 'vitest'
import { key, keyDown, keyMap } from './keys'
import { look } from './look.svelte'
import { replace } from './route.svelte'
import { session } from './session.svelte'

vi.mock('./api/http', async () => ({ http: (await import('./api/played')).played.host }))

class FakeElement {
  dataset: Record<string, string> = {}
  clicks = 0
  isContentEditable = false
  tagName = 'BUTTON'
  click() {
    this.clicks += 1
  }
}

let dialog: { contains(one: unknown): boolean } | null = null

beforeEach(() => {
  dialog = null
  session.palette = false
  replace('#/')
  vi.stubGlobal('HTMLElement', FakeElement)
  vi.stubGlobal('HTMLInputElement', class {})
  vi.stubGlobal('document', {
    activeElement: null,
    contains: () => true,
    querySelector: (selector: string) => (selector === '[role="dialog"]' ? dialog : null),
  })
})

/** Puts a control on the page; returns it and what takes it away. */
function control(name: Parameters<typeof key>[0]): [FakeElement, () => void] {
  const element = new FakeElement()
  const gone = key(name)(element as never)
  return [element, gone as () => void]
}

function press(key: string, change: Partial<KeyboardEvent> = {}): boolean {
  let prevented = false
  keyDown({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    defaultPrevented: false,
    composedPath: () => [],
    preventDefault: () => (prevented = true),
    ...change,
  } as unknown as KeyboardEvent)
  return prevented
}

test('a key presses the latest control', () => {
  const [under, goneUnder] = control('again')
  const [over, goneOver] = control('again')
  expect(press('r')).toBe(true)
  expect([under.clicks, over.clicks]).toEqual([0, 1])
  goneOver()
  press('r')
  expect([under.clicks, over.clicks]).toEqual([1, 1])
  goneUnder()
  expect(press('r')).toBe(false)
})

test('controls under a dialog are not pressed', () => {
  const [under, gone] = control('run')
  dialog = { contains: () => false }
  expect(press('Enter', { ctrlKey: true })).toBe(false)
  dialog = null
  press('Enter', { ctrlKey: true })
  expect(under.clicks).toBe(1)
  gone()
})

test('letters and arrows move in the list, wherever the focus is but in a control', () => {
  const [list, gone] = control('list')
  const moves: string[] = []
  Object.assign(list, {
    focus: () => moves.push('focus'),
    dispatchEvent: (event: KeyboardEvent) => moves.push(event.key),
  })
  vi.stubGlobal(
    'KeyboardEvent',
    class extends Event {
      key: string
      constructor(name: string, { key }: { key: string }) {
        super(name)
        this.key = key
      }
    },
  )
  const heading = new FakeElement()
  heading.tagName = 'H1'
  const body = new FakeElement()
  body.tagName = 'BODY'
  for (const at of [heading, body]) {
    expect(press('j', { composedPath: () => [at as never] })).toBe(true)
    expect(press('ArrowUp', { composedPath: () => [at as never] })).toBe(true)
  }
  expect(moves).toEqual(['focus', 'j', 'focus', 'ArrowUp', 'focus', 'j', 'focus', 'ArrowUp'])
  const button = new FakeElement()
  expect(press('j', { composedPath: () => [button as never] })).toBe(false)
  expect(moves).toHaveLength(8)
  gone()
  expect(press('j', { composedPath: () => [body as never] })).toBe(false)
})

test('pages are opened by their keys, and the palette over them', () => {
  press('4', { ctrlKey: true })
  expect(location.hash).toBe('#/tables')
  press(',', { metaKey: true })
  expect(location.hash).toBe('#/settings')
  expect(press('9', { ctrlKey: true })).toBe(false)
  press('k', { ctrlKey: true })
  expect(session.palette).toBe(true)
  // Nothing below an open palette is pressed.
  press('4', { ctrlKey: true })
  expect(location.hash).toBe('#/settings')
})

test('typing in a field presses nothing', () => {
  const [again, gone] = control('again')
  const field = new FakeElement()
  field.tagName = 'INPUT'
  expect(press('r', { composedPath: () => [field as never] })).toBe(false)
  expect(press('r', { altKey: true })).toBe(false)
  expect(again.clicks).toBe(0)
  gone()
})

test('letters that are switched off press nothing, other keys stay', () => {
  const [again, gone] = control('again')
  const [run, goneRun] = control('run')
  look.letterKeys = false
  for (const letter of ['r', '/', '?', '[', 'j', 'c', 'f']) expect(press(letter)).toBe(false)
  expect(press('Enter', { ctrlKey: true })).toBe(true)
  expect([again.clicks, run.clicks]).toEqual([0, 1])
  look.letterKeys = true
  expect(press('r')).toBe(true)
  gone()
  goneRun()
})

test('every key is listed once', () => {
  const keys = keyMap().flatMap(([keys]) => keys.split(', '))
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys).toEqual(expect.arrayContaining(['Ctrl K', 'Ctrl 1 to 6', 'Ctrl ,', '?', 'R']))
})
