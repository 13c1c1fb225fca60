// Tests of running and queued syncs, and of failures before a run begins.

import { flushSync } from 'svelte'
import { beforeEach, expect, test, vi } from 'vitest'
import type { Job, SyncStart } from './api'
import { job, played } from './api/played'
import { jobs } from './jobs.svelte'
import { go } from './route.svelte'
import { standing, syncs, syncStarter } from './syncs.svelte'
import { toast } from './toast.svelte'

vi.mock('./api/http', async () => ({ http: (await import('./api/played')).played.host }))

const request: SyncStart = {
  from: '/in/shop',
  to: '/lake',
  source: 'shop',
  again: false,
  refill: null,
  columns: [],
  new_lake_id: false,
}
const about = { from: '/in/shop', to: '/lake', source: 'shop' }

beforeEach(() => {
  played.calls = []
  jobs.list = []
  jobs.ended = []
  syncs.pending = []
  syncs.notStopped = {}
  visit('#/syncs/new')
})

/** Goes to an address as a browser does. */
function visit(address: string): void {
  go(address)
  dispatchEvent(new Event('hashchange'))
}

function hear(job: Job): void {
  jobs.hear({ kind: 'job', job })
  syncs.hear({ kind: 'job', job })
}

test('a run is shown when it begins', async () => {
  const mine = syncs.start(request)
  expect(played.last('sync_start').request).toEqual(request)
  played.last('sync_start').report({ run: null })
  expect(location.hash).toBe('#/syncs/new')
  played.last('sync_start').report({ run: '7-a' })
  expect(location.hash).toBe('#/syncs/7-a')
  expect(mine.run).toBe('7-a')
  // Whoever goes on from there is left alone.
  visit('#/settings')
  played.last('sync_start').report({ run: '7-a' })
  await played.last('sync_start').answer({ run: '7-a' })
  expect(location.hash).toBe('#/settings')
  expect([mine.ended, syncs.pending]).toEqual([true, []])
})

test('a run that reports nothing is shown when it has ended', async () => {
  syncs.start(request)
  await played.last('sync_start').answer({ run: '7-a' })
  expect(location.hash).toBe('#/syncs/7-a')
})

test.each(['#/settings', '#/syncs/3-b'])('who has gone to %s meanwhile stays there', async (to) => {
  syncs.start(request)
  visit(to)
  played.last('sync_start').report({ run: '7-a' })
  await played.last('sync_start').answer({ run: '7-a' })
  expect(location.hash).toBe(to)
})

test('a second sync waits for the first, and says for which', () => {
  const first = job('1', { about: { from: '/in/web', to: '/lake', source: 'web' }, run: '6-f' })
  hear(first)
  const mine = syncs.start(request)
  expect(mine.job).toBeNull()
  hear(job('2', { state: 'queued', waits_for: '1', about }))
  expect(mine.job).toBe('2')
  const [waiting] = syncs.queued
  expect(waiting?.id).toBe('2')
  expect(standing(waiting!, syncs.open)).toBe('Waiting for web to finish')
  hear({ ...first, state: 'succeeded' })
  hear(job('2', { state: 'running', about }))
  expect(syncs.running.map(({ id }) => id)).toEqual(['2'])
  expect(standing(syncs.running[0]!, syncs.open)).toBe('Starting')
})

test.each([
  [{ from: '/in/web/', to: '/lake', source: null }, 'Waiting for web to finish'],
  [null, 'Waiting for another sync to finish'],
])('a sync without a source is known by its folder: %j', (ahead, words) => {
  const first = job('1', { about: ahead })
  expect(standing(job('2', { state: 'queued', waits_for: '1' }), [first])).toBe(words)
})

test('the job that is waited for may be unknown', () => {
  const second = job('2', { state: 'queued', waits_for: '1' })
  expect(standing(second, [second])).toBe('Waiting for other work to finish')
})

test('a job is matched to its request', () => {
  const [one, two] = [syncs.start(request), syncs.start(request)]
  hear(job('t', { about, actor: 'terminal' }))
  hear(job('o', { about: { ...about, from: '/in/other' } }))
  hear(job('c', { about, kind: 'change' }))
  hear(job('e', { about, state: 'failed' }))
  expect([one.job, two.job]).toEqual([null, null])
  hear(job('1', { about }))
  hear(job('1', { about, run: '7-a' }))
  hear(job('2', { about, state: 'queued' }))
  expect([one.job, two.job]).toEqual(['1', '2'])
})

test('an empty source is null', () => {
  const mine = syncs.start({ ...request, source: null })
  hear(job('1', { about: { ...about, source: null } }))
  expect(mine.job).toBe('1')
})

/** A form that requests a sync. */
function form() {
  let starter!: ReturnType<typeof syncStarter>
  const leave = $effect.root(() => {
    starter = syncStarter()
  })
  flushSync()
  return { starter, leave }
}

test('a sync that did not begin fails in its form only', async () => {
  const { starter, leave } = form()
  starter.start(request)
  expect([starter.busy, starter.failure]).toEqual([true, null])
  const failure = await played.last('sync_start').fail('lake_copied')
  expect([starter.busy, starter.failure]).toEqual([false, failure])
  expect(syncs.refused).toEqual([])
  // It was seen.
  leave()
  expect([syncs.refused, syncs.pending]).toEqual([[], []])
})

test('another attempt forgets why the one before failed', async () => {
  const { starter } = form()
  starter.start(request)
  await played.last('sync_start').fail('lake_busy')
  starter.start(request)
  expect([starter.busy, starter.failure, syncs.pending.length]).toEqual([true, null, 1])
})

test('what fails after its form was left is not lost', async () => {
  const { starter, leave } = form()
  starter.start(request)
  flushSync()
  leave()
  expect(syncs.refused).toEqual([])
  const failure = await played.last('sync_start').fail('lake_copied')
  expect(syncs.refused.map((one) => one.failure)).toEqual([failure])
  syncs.clearError(syncs.refused[0]!)
  expect(syncs.refused).toEqual([])
})

test('a run that has begun says for itself that it failed', async () => {
  const { starter, leave } = form()
  starter.start(request)
  played.last('sync_start').report({ run: '7-a' })
  await played.last('sync_start').fail('lake_gone')
  expect(starter.failure).toBeNull()
  leave()
  expect(syncs.refused).toEqual([])
})

test('to be taken out of the queue is no failure', async () => {
  const { starter } = form()
  starter.start(request)
  hear(job('2', { state: 'queued', waits_for: '1', about }))
  expect(starter.job?.id).toBe('2')
  void syncs.stop(starter.job!)
  expect(played.last('jobs_cancel').request).toEqual({ job: '2' })
  await played.last('jobs_cancel').answer({})
  hear(job('2', { state: 'cancelled', about }))
  await played.last('sync_start').fail('cancelled')
  expect([starter.busy, starter.failure, starter.job]).toEqual([false, null, undefined])
})

test('a job that could not be stopped says so until it is asked again', async () => {
  const running = job('1')
  hear(running)
  void syncs.stop(running)
  const failure = await played.last('jobs_cancel').fail('broken')
  expect(syncs.notStopped).toEqual({ '1': failure })
  void syncs.stop(running)
  expect(syncs.notStopped).toEqual({})
})

test('a run has its job while it is on record as running, and a moment longer', () => {
  hear(job('1', { run: '7-a' }))
  expect(syncs.of({ run: '7-a', status: 'running' })?.id).toBe('1')
  expect(syncs.of({ run: '8-b', status: 'running' })).toBeUndefined()
  hear(job('1', { run: '7-a', state: 'succeeded' }))
  // The record is read a moment later.
  expect(syncs.of({ run: '7-a', status: 'running' })?.state).toBe('succeeded')
  expect(syncs.of({ run: '7-a', status: 'succeeded' })).toBeUndefined()
})

test.each([
  ['succeeded', 'The sync of shop succeeded', true],
  ['partial', 'The sync of shop left something out', false],
  ['failed', 'The sync of shop failed', false],
  ['cancelled', 'The sync of shop was stopped', false],
  ['interrupted', 'The sync of shop broke off', false],
] as const)('whoever is elsewhere hears that a sync has %s', (state, text, done) => {
  toast.message = null
  hear(job('1', { about, run: '7-a' }))
  expect(toast.message).toBeNull()
  hear(job('1', { about, run: '7-a', state }))
  expect(toast.message).toEqual({ text, done })
})

test('what another program syncs, or is taken out of the queue, ends in silence', () => {
  toast.message = null
  hear(job('1', { about, run: '7-a', state: 'succeeded', actor: 'terminal' }))
  hear(job('2', { about, run: '7-a', state: 'succeeded', kind: 'release' }))
  hear(job('3', { about, state: 'cancelled' }))
  expect(toast.message).toBeNull()
})
