// Tests of `query`: late answers, repeated requests, debouncing, pages and refreshing.

import { flushSync } from 'svelte'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { events } from './events.svelte'
import type { Tag } from './generated'
import { played } from './played'
import { query, type Options, type Query } from './query.svelte'

vi.mock('./http', async () => ({ http: (await import('./played')).played.host }))

vi.useFakeTimers()
void events.follow()
const stream = played.last('events_follow')
const changed = (...tags: Tag[]) =>
  stream.report({ kind: 'changed', tags, profile: 'default', revision: 1 })

let ends: (() => void)[] = []
beforeEach(() => {
  played.calls = []
})
afterEach(() => {
  for (const end of ends) end()
  ends = []
})

/** What a component makes when it begins, and what ends the component. */
function component<T>(make: () => T): [T, () => void] {
  let made!: T
  const end = $effect.root(() => {
    made = make()
  })
  flushSync()
  ends.push(end)
  return [made, end]
}

function run(id: () => string | undefined, options?: Options<'runs_show'>) {
  return component(() =>
    query(
      'runs_show',
      () => {
        const run = id()
        return run === undefined ? undefined : { run }
      },
      options,
    ),
  )
}

const asked = (name: Parameters<typeof played.of>[0]) => played.of(name).map((one) => one.request)

test('a query is sent when the component starts, and shows the answer', async () => {
  const [shown] = run(() => '1')
  expect(asked('runs_show')).toEqual([{ run: '1' }])
  expect([shown.value, shown.waiting]).toEqual([undefined, true])
  await played.last('runs_show').answer({ run: '1-a' })
  expect([shown.value, shown.waiting]).toEqual([{ run: '1-a' }, false])
})

test('an undefined request is not sent, and has no answer', async () => {
  let id = $state<string>()
  const [shown] = run(() => id)
  expect(asked('runs_show')).toEqual([])
  expect(shown.waiting).toBe(false)
  id = '1'
  flushSync()
  await played.last('runs_show').answer({ run: '1-a' })
  id = undefined
  flushSync()
  expect([shown.value, shown.waiting]).toEqual([undefined, false])
  changed('runs')
  shown.refetch()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked('runs_show')).toEqual([{ run: '1' }])
})

test('a new request clears the answer and the failure of the one before', async () => {
  let id = $state('1')
  const [shown] = run(() => id)
  const failure = await played.last('runs_show').fail('broken')
  expect(shown.failure).toEqual(failure)
  id = '2'
  flushSync()
  expect([shown.value, shown.failure, shown.waiting]).toEqual([undefined, undefined, true])
  await played.last('runs_show').answer({ run: '2-b' })
  id = '3'
  flushSync()
  expect([shown.value, shown.failure, shown.waiting]).toEqual([undefined, undefined, true])
})

test('a late answer to an older request is dropped', async () => {
  let id = $state('1')
  const [shown] = run(() => id)
  const first = played.last('runs_show')
  id = '2'
  flushSync()
  const second = played.last('runs_show')
  await second.answer({ run: '2-b' })
  first.report('far')
  await first.answer({ run: '1-a' })
  expect([shown.value, shown.progress]).toEqual([{ run: '2-b' }, undefined])

  id = '3'
  flushSync()
  const third = played.last('runs_show')
  id = '4'
  flushSync()
  await third.fail('late')
  expect([shown.failure, shown.waiting]).toEqual([undefined, true])
})

test('the same request is not sent twice', async () => {
  let route = $state.raw({ object: '1', tab: 'summary' })
  run(() => route.object)
  route = { object: '1', tab: 'rejected' }
  flushSync()
  expect(asked('runs_show')).toHaveLength(1)
})

test('while a request is about the same, the old answer stays until the new one is there', async () => {
  let filter = $state('a')
  const [shown] = component(() =>
    query('policy_analyze', () => ({ text: filter, base: null, facts: {} as never }), {
      key: () => 'policy',
    }),
  )
  await played.last('policy_analyze').answer('of a')
  filter = 'b'
  flushSync()
  expect([shown.value, shown.waiting]).toEqual(['of a', true])
  const failure = await played.last('policy_analyze').fail('broken')
  expect([shown.value, shown.failure]).toEqual(['of a', failure])
  filter = 'c'
  flushSync()
  await played.last('policy_analyze').answer('of c')
  expect([shown.value, shown.failure]).toEqual(['of c', undefined])
})

test('a changing request is debounced', async () => {
  let text = $state('a')
  const [shown] = component(() =>
    query('policy_analyze', () => ({ text, base: null, facts: {} as never }), { debounce: 200 }),
  )
  // The first is not kept waiting.
  expect(asked('policy_analyze')).toHaveLength(1)
  await played.last('policy_analyze').answer('of a')
  for (const next of ['ab', 'abc', 'abcd']) {
    text = next
    flushSync()
    await vi.advanceTimersByTimeAsync(150)
    expect(asked('policy_analyze')).toHaveLength(1)
    expect([shown.value, shown.waiting]).toEqual([undefined, true])
  }
  await vi.advanceTimersByTimeAsync(50)
  expect(asked('policy_analyze').at(-1)).toMatchObject({ text: 'abcd' })
  expect(asked('policy_analyze')).toHaveLength(2)
})

test('an answer during the debounce is dropped too', async () => {
  let text = $state('a')
  const [shown] = component(() =>
    query('policy_analyze', () => ({ text, base: null, facts: {} as never }), { debounce: 200 }),
  )
  const first = played.last('policy_analyze')
  text = 'ab'
  flushSync()
  await first.answer('of a')
  expect([shown.value, shown.waiting]).toEqual([undefined, true])
})

test('progress is shown while a call runs', async () => {
  const [shown] = component(() =>
    query('schema_preview', () => ({ from: '/in', lake: null, source: null, columns: [] })),
  )
  played.last('schema_preview').report({ read: 1 })
  expect(shown.progress).toEqual({ read: 1 })
  await played.last('schema_preview').answer('found')
  expect([shown.progress, shown.value]).toEqual([undefined, 'found'])
})

function preview() {
  let from = $state('/one')
  const [shown, end] = component(() =>
    query('schema_preview', () => ({ from, lake: null, source: null, columns: [] })),
  )
  const look = (next: string) => {
    from = next
    flushSync()
  }
  return { shown, end, look }
}

test('a long call of a destroyed component is cancelled', async () => {
  const { shown, end, look } = preview()
  const first = played.last('schema_preview')
  look('/two')
  expect(asked('calls_cancel')).toEqual([{ call: first.call }])
  const second = played.last('schema_preview')
  shown.refetch()
  expect(asked('calls_cancel').at(-1)).toEqual({ call: second.call })
  const third = played.last('schema_preview')
  end()
  expect(asked('calls_cancel').at(-1)).toEqual({ call: third.call })
  expect(new Set([first.call, second.call, third.call]).size).toBe(3)
})

test('ended and short calls are not cancelled', async () => {
  const { end } = preview()
  await played.last('schema_preview').answer('found')
  end()
  const [, gone] = run(() => '1')
  gone()
  expect(asked('calls_cancel')).toEqual([])
})

test('cancelling a sync shows its failure', async () => {
  const { shown } = preview()
  void shown.cancel()
  expect(asked('calls_cancel')).toEqual([{ call: played.last('schema_preview').call }])
  const failure = await played.last('calls_cancel').fail('broken')
  expect([shown.failure, shown.waiting]).toEqual([failure, true])
})

test('a thousand changes cause one refresh', async () => {
  const [shown] = run(() => '1')
  await played.last('runs_show').answer('old')
  for (let at = 0; at < 1_000; at += 1) changed('tables', 'runs')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked('runs_show')).toHaveLength(2)
  // It is silent: nobody asked for it.
  expect([shown.value, shown.waiting]).toEqual(['old', false])
  await played.last('runs_show').answer('new')
  expect(shown.value).toBe('new')
})

test('changes during a call cause one refresh after it', async () => {
  const [shown] = run(() => '1')
  for (let at = 0; at < 1_000; at += 1) {
    changed('runs')
    await vi.advanceTimersByTimeAsync(1)
  }
  expect(asked('runs_show')).toHaveLength(1)
  await played.last('runs_show').answer('old')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(asked('runs_show')).toHaveLength(2)
  await played.last('runs_show').answer('new')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked('runs_show')).toHaveLength(2)
  expect(shown.value).toBe('new')
})

test('slow queries of data that changes all the time are throttled', async () => {
  component(() => query('tables_list', () => ({ lake: '/lake' })))
  await vi.advanceTimersByTimeAsync(8_000)
  await played.last('tables_list').answer('old')
  changed('tables')
  await vi.advanceTimersByTimeAsync(15_900)
  expect(asked('tables_list')).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(asked('tables_list')).toHaveLength(2)
  await played.last('tables_list').answer('new')
  // After a pause a change is shown at once.
  await vi.advanceTimersByTimeAsync(60_000)
  changed('tables')
  await vi.advanceTimersByTimeAsync(60)
  expect(asked('tables_list')).toHaveLength(3)
})

test('changes with other tags do not refresh a query', async () => {
  run(() => '1')
  component(() => query('sample_create', () => ({})))
  run(() => '2', { follow: false })
  for (const one of played.calls) await one.answer('old')
  changed('settings', 'drafts')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(played.calls).toHaveLength(3)
  changed('runs')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked('runs_show')).toEqual([{ run: '1' }, { run: '2' }, { run: '1' }])
  expect(asked('sample_create')).toHaveLength(1)
})

test('missed refreshes every query', async () => {
  run(() => '1')
  component(() => query('settings_show', () => ({})))
  component(() =>
    query('schema_preview', () => ({ from: '/in', lake: null, source: null, columns: [] })),
  )
  for (const one of played.calls) await one.answer('old')
  stream.report({ kind: 'missed' })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked('runs_show')).toHaveLength(2)
  expect(asked('settings_show')).toHaveLength(2)
  expect(asked('schema_preview')).toHaveLength(1)
})

test('a destroyed component sends nothing more', async () => {
  const [, end] = run(() => '1')
  await played.last('runs_show').answer('old')
  changed('runs')
  end()
  changed('runs')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked('runs_show')).toHaveLength(1)
})

test('refreshing keeps the answer until the new one arrives', async () => {
  const [shown] = run(() => '1')
  const first = played.last('runs_show')
  shown.refetch()
  await first.answer('late')
  expect([shown.value, shown.waiting]).toEqual([undefined, true])
  await played.last('runs_show').answer('old')
  shown.refetch()
  expect([shown.value, shown.waiting]).toEqual(['old', true])
  const failure = await played.last('runs_show').fail('broken')
  expect([shown.value, shown.failure, shown.waiting]).toEqual(['old', failure, false])
  shown.refetch()
  await played.last('runs_show').answer('new')
  expect([shown.value, shown.failure]).toEqual(['new', undefined])
})

test('an answer set by a change is shown at once, and an older answer is dropped', async () => {
  const [shown] = component(() => query('settings_show', () => ({})))
  const first = played.last('settings_show')
  shown.set('changed' as never)
  await first.answer('old')
  expect([shown.value, shown.waiting]).toEqual(['changed', false])
  changed('settings')
  await vi.advanceTimersByTimeAsync(100)
  await played.last('settings_show').answer('read')
  expect(shown.value).toBe('read')
})

type Runs = { runs: string[]; next: string | null }

/** Runs by pages of two. */
function pages(): Query<'runs_list'> {
  const [runs] = component(() =>
    query('runs_list', () => ({ before: null, limit: 2 }), {
      pages: {
        next: ({ next }) => (next === null ? null : { before: next }),
        join: (soFar, more) => ({ ...more, runs: [...soFar.runs, ...more.runs] }),
      },
    }),
  )
  return runs
}
const page = (next: string | null, ...runs: string[]): Runs => ({ runs, next })

test('pages are appended', async () => {
  const runs = pages()
  expect(runs.hasMore).toBe(false)
  await played.last('runs_list').answer(page('5', '6', '5'))
  expect(runs.hasMore).toBe(true)
  runs.more()
  expect(runs.waiting).toBe(true)
  expect(asked('runs_list').at(-1)).toEqual({ before: '5', limit: 2 })
  // It is on its way already.
  runs.more()
  runs.more()
  expect(asked('runs_list')).toHaveLength(2)
  await played.last('runs_list').answer(page('3', '4', '3'))
  expect(runs.value).toEqual(page('3', '6', '5', '4', '3'))
  runs.more()
  await played.last('runs_list').answer(page(null, '2'))
  expect(runs.value).toEqual(page(null, '6', '5', '4', '3', '2'))
  expect([runs.hasMore, runs.waiting]).toEqual([false, false])
  runs.more()
  expect(asked('runs_list')).toHaveLength(3)
})

test('a change refreshes all pages and shows them together', async () => {
  const runs = pages()
  await played.last('runs_list').answer(page('5', '6', '5'))
  runs.more()
  await played.last('runs_list').answer(page('3', '4', '3'))
  changed('runs')
  await vi.advanceTimersByTimeAsync(100)
  await played.last('runs_list').answer(page('6', '7', '6'))
  expect(runs.value).toEqual(page('3', '6', '5', '4', '3'))
  expect(asked('runs_list').at(-1)).toEqual({ before: '6', limit: 2 })
  await played.last('runs_list').answer(page('4', '5', '4'))
  expect(runs.value).toEqual(page('4', '7', '6', '5', '4'))
  expect(asked('runs_list')).toHaveLength(4)
})

test('a page requested during a refresh is read with it', async () => {
  const runs = pages()
  await played.last('runs_list').answer(page('5', '6', '5'))
  changed('runs')
  await vi.advanceTimersByTimeAsync(100)
  runs.more()
  expect(asked('runs_list')).toHaveLength(2)
  await played.last('runs_list').answer(page('6', '7', '6'))
  expect(runs.waiting).toBe(true)
  await played.last('runs_list').answer(page('4', '5', '4'))
  expect(runs.value).toEqual(page('4', '7', '6', '5', '4'))
  expect(runs.waiting).toBe(false)
})

test('a page that fails keeps the others, and can be read again', async () => {
  const runs = pages()
  await played.last('runs_list').answer(page('5', '6', '5'))
  runs.more()
  const failure = await played.last('runs_list').fail('broken')
  expect(runs.value).toEqual(page('5', '6', '5'))
  expect([runs.failure, runs.hasMore, runs.waiting]).toEqual([failure, true, false])
  runs.more()
  await played.last('runs_list').answer(page(null, '4'))
  expect([runs.value, runs.failure]).toEqual([page(null, '6', '5', '4'), undefined])
})

test('a new request begins at its first page', async () => {
  let reason = $state<string | null>(null)
  const [kept] = component(() =>
    query('runs_rejected_lines', () => ({ run: '1', reason, from: 0 }), {
      pages: {
        next: ({ next }) => (next === null ? null : { from: next }),
        join: (soFar, more) => ({ ...more, letters: [...soFar.letters, ...more.letters] }),
      },
    }),
  )
  await played.last('runs_rejected_lines').answer({ letters: ['a'], next: 10 })
  kept.more()
  await played.last('runs_rejected_lines').answer({ letters: ['b'], next: 20 })
  reason = 'not_json'
  flushSync()
  expect(kept.value).toBeUndefined()
  await played.last('runs_rejected_lines').answer({ letters: ['c'], next: 5 })
  expect(kept.value).toEqual({ letters: ['c'], next: 5 })
  expect(asked('runs_rejected_lines')).toHaveLength(3)
  kept.more()
  expect(asked('runs_rejected_lines').at(-1)).toEqual({ run: '1', reason: 'not_json', from: 5 })
})
