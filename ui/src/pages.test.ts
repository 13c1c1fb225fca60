// Tests of addresses and of the registry of pages.

import { beforeEach, expect, test } from 'vitest'
import { entries, pageKeys, pageOfKey } from './pages'
import { address, go, parse, replace, route } from './route.svelte'

const objects = ['', 'new', '12-afe45', 'a/b?c#d', 'ünï %25 ', '../x']
const queries: Record<string, string>[] = [
  {},
  { lake: 's3://bucket/a b', table: 'web.tracks' },
  { from: '/in/ä&b=c?d#e', tab: 'rows' },
]

test.each(entries.map((page) => page.id))('the addresses of %s lead back to it', (page) => {
  for (const object of objects) {
    for (const query of queries) {
      expect(parse(address(page, object, query))).toEqual({ page, object, query, unknown: '' })
    }
  }
})

test('empty values are not in an address', () => {
  expect(address('tables', '', { lake: '', table: null, tab: undefined })).toBe('#/tables')
  expect(address('overview')).toBe('#/')
})

test.each(['', '#', '#/', '/', '#/overview', '#/Overview'])('%j is the overview', (text) => {
  expect(parse(text)).toEqual({ page: 'overview', object: '', query: {}, unknown: '' })
})

test.each([
  ['#/nonsense/17', 'nonsense'],
  ['#/n%C3%B6/17', 'nö'],
  ['#/%E0%A4/1', '%E0%A4'],
])('%s is no page', (text, unknown) => {
  expect(parse(text)).toMatchObject({ page: 'overview', object: '', unknown })
})

beforeEach(() => replace('#/'))

test('go adds a history entry, replace does not', () => {
  go('/settings')
  expect(location.hash).toBe('#/settings')
  expect(route.now.page).toBe('overview')
  dispatchEvent(new Event('hashchange'))
  expect(route.now.page).toBe('settings')
  replace(address('tables', '', { lake: '/lake' }))
  expect(route.now).toMatchObject({ page: 'tables', query: { lake: '/lake' } })
})

test('the same address again is a new one: a form that it opens is empty', () => {
  replace('#/syncs/new')
  const before = route.now
  dispatchEvent(new Event('hashchange'))
  expect(route.now).not.toBe(before)
})

test('every page is registered once', () => {
  const unlike = (of: (page: (typeof entries)[number]) => string) =>
    expect(new Set(entries.map(of)).size).toBe(entries.length)
  unlike((page) => page.id)
  unlike((page) => page.title)
  for (const page of entries) {
    expect(page.id).toMatch(/^[a-z]+$/)
    expect(page.blurb.length).toBeGreaterThan(5)
    for (const action of page.actions ?? [])
      expect(parse(address(page.id, action.object, action.query)).page).toBe(page.id)
  }
})

test('keys open the pages that the list of keys names', () => {
  for (const [at, page] of entries.slice(0, 9).entries())
    expect(pageOfKey(String(at + 1))).toBe(page.id)
  expect(pageOfKey(',')).toBe('settings')
  for (const key of ['0', String(entries.length + 1), '12', 'k', '', '-1'])
    expect(pageOfKey(key)).toBeUndefined()
  expect(pageKeys()).toEqual([
    [`Ctrl 1 to ${entries.length}`, 'pages, in the order of the rail'],
    ['Ctrl ,', 'settings'],
  ])
})
