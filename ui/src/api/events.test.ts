// Tests of the stream of events: listeners, reconnecting, and what a closing window waits for.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Events } from './events.svelte'
import type { CoreEvent } from './generated'
import { played } from './played'

vi.mock('./http', async () => ({ http: (await import('./played')).played.host }))

beforeEach(() => {
  vi.useFakeTimers()
  played.calls = []
  window.name = ''
})
afterEach(() => vi.useRealTimers())

const change: CoreEvent = { kind: 'changed', tags: ['runs'], profile: 'default', revision: 1 }
const missed: CoreEvent = { kind: 'missed' }

function followed() {
  const events = new Events()
  const heard: CoreEvent[] = []
  const deafen = events.listen((event) => heard.push(event))
  void events.follow()
  return { events, heard, deafen }
}
const streams = () => played.of('events_follow')
const stream = () => played.last('events_follow')

test('every listener gets events until it unsubscribes', async () => {
  const { events, heard, deafen } = followed()
  const other: CoreEvent[] = []
  events.listen((event) => other.push(event))
  stream().report(change)
  deafen()
  stream().report({ kind: 'host', event: { kind: 'over' } })
  expect(heard).toEqual([change])
  expect(other).toEqual([change, { kind: 'host', event: { kind: 'over' } }])
})

test('unsubscribing during an event does not affect other listeners', () => {
  const events = new Events()
  const heard: string[] = []
  const deafen = events.listen(() => {
    heard.push('first')
    deafen()
  })
  events.listen(() => heard.push('second'))
  void events.follow()
  stream().report(change)
  stream().report(change)
  expect(heard).toEqual(['first', 'second', 'second'])
})

test('a closing window waits for beforeLeaving callbacks, then ends the stream', async () => {
  const { events, heard } = followed()
  let kept = () => {}
  events.beforeLeaving(() => new Promise<void>((done) => (kept = done)))
  events.beforeLeaving(() => Promise.reject(new Error('the disk is full')))
  const none = events.beforeLeaving(() => new Promise(() => {}))
  none()
  stream().report({ kind: 'host', event: { kind: 'leaving' } })
  await vi.advanceTimersByTimeAsync(500)
  expect(played.of('calls_cancel')).toEqual([])
  kept()
  await vi.advanceTimersByTimeAsync(0)
  expect(played.last('calls_cancel').request).toEqual({ call: stream().call })
  expect(heard).toEqual([])
})

test('one stream is open, and nothing is missed at first', async () => {
  const { heard } = followed()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(streams()).toHaveLength(1)
  expect(heard).toEqual([])
})

test('a stream that ends is opened again, and listeners get missed', async () => {
  const { events, heard } = followed()
  await vi.advanceTimersByTimeAsync(10_000)
  await stream().answer({})
  expect(heard).toEqual([])
  await vi.advanceTimersByTimeAsync(300)
  expect(streams()).toHaveLength(2)
  // The first event shows that it is open; `missed` comes before it.
  stream().report(change)
  expect(heard).toEqual([missed, change])
  await stream().fail('host_gone')
  await vi.advanceTimersByTimeAsync(10_000)
  // A silent one is open too.
  expect(streams()).toHaveLength(3)
  expect(heard).toEqual([missed, change, missed])
  expect(events.broken).toBe(false)
})

test('reconnecting backs off and sets broken', async () => {
  const { events, heard } = followed()
  await vi.advanceTimersByTimeAsync(10_000)
  await stream().fail('host_gone')
  expect(events.broken).toBe(false)
  let waited = 0
  for (const expected of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
    const before = streams().length
    await vi.advanceTimersByTimeAsync(expected - 1)
    expect(streams()).toHaveLength(before)
    await vi.advanceTimersByTimeAsync(1)
    expect(streams()).toHaveLength(before + 1)
    await stream().fail('host_gone')
    expect(events.broken).toBe(true)
    waited += expected
  }
  expect(waited).toBeLessThan(40_000)
  expect(heard).toEqual([])
  // It is back.
  await vi.advanceTimersByTimeAsync(11_000)
  expect(events.broken).toBe(false)
  expect(heard).toEqual([missed])
})

test('a stream that ends at once is reopened after a pause', async () => {
  followed()
  const begun = Date.now()
  while (Date.now() - begun < 60_000) {
    stream().report(change)
    await stream().answer({})
    const before = streams().length
    while (streams().length === before) await vi.advanceTimersByTimeAsync(50)
  }
  expect(streams().length).toBeLessThan(15)
})

test('a stream has the same name after a reload of its window, and another in another window', async () => {
  followed()
  const { call } = stream()
  followed()
  expect(stream().call).toBe(call)
  window.name = ''
  followed()
  expect(stream().call).not.toBe(call)
})
