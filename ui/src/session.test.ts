// Tests of the session: events of the desktop, dropped files, and closing.

import { beforeEach, expect, test, vi } from 'vitest'
import { played } from './api/played'
import { replace } from './route.svelte'
import { session } from './session.svelte'
import { toast } from './toast.svelte'

vi.mock('./api/http', async () => ({ http: (await import('./api/played')).played.host }))

beforeEach(() => {
  played.calls = []
  toast.message = null
  replace('#/')
})

test('the session follows the core once and does not poll', async () => {
  vi.useFakeTimers()
  session.begin()
  session.begin()
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(played.calls.map((one) => one.name).toSorted()).toEqual(['events_follow', 'jobs_list'])
  played.last('events_follow').report({ kind: 'host', event: { kind: 'over' } })
  expect(session.filesOver).toBe(true)
  vi.useRealTimers()
})

test('files over the window are shown until they leave or are dropped', () => {
  session.hear({ kind: 'over' })
  expect(session.filesOver).toBe(true)
  session.hear({ kind: 'away' })
  expect(session.filesOver).toBe(false)
  session.hear({ kind: 'over' })
  session.hear({ kind: 'dropped', paths: ['/in/a'] })
  expect(session.filesOver).toBe(false)
})

test('a file that is dropped is previewed, with what was compared before', () => {
  session.hear({ kind: 'dropped', paths: ['/in/a'] })
  expect(location.hash).toBe('#/schemas?from=%2Fin%2Fa')
  replace('#/schemas?from=%2Fin%2Fa&lake=%2Flake&source=web&table=web.tracks')
  session.hear({ kind: 'dropped', paths: ['/in/b'] })
  expect(location.hash).toBe('#/schemas?from=%2Fin%2Fb&lake=%2Flake&source=web')
  expect(toast.message).toBeNull()
})

test('a file that is dropped on the trust policy is opened as one', () => {
  replace('#/policy')
  session.hear({ kind: 'dropped', paths: ['/in/role.json', '/in/other.json'] })
  expect(location.hash).toBe('#/policy?file=%2Fin%2Frole.json')
  expect(toast.message?.text).toBe('Only role.json is shown; other.json was not opened')
})

test.each([
  [['/in/late', '/in/mine'], 'Only late is shown; mine was not opened'],
  [['/in/late', '/in/a', '/in/b'], 'Only late is shown; 2 others were not opened'],
])('of several files it says which is shown: %j', (paths, text) => {
  session.hear({ kind: 'dropped', paths })
  expect(location.hash).toBe('#/schemas?from=%2Fin%2Flate')
  expect(toast.message).toEqual({ text, done: false })
})

test('an address from another process is opened', () => {
  session.hear({ kind: 'open', address: '/settings' })
  expect(location.hash).toBe('#/settings')
})

test('a closing window names the commands that it waits for', () => {
  session.hear({ kind: 'closing', commands: ['role_apply'] })
  expect(session.closing).toEqual(['role_apply'])
})
