// Tests of the list of jobs: order, reading while events arrive, and gaps in the stream.

import { beforeEach, expect, test, vi } from 'vitest'
import type { Job } from './api'
import { job, played } from './api/played'
import { OpenJobs, withJob } from './jobs.svelte'

vi.mock('./api/http', async () => ({ http: (await import('./api/played')).played.host }))

beforeEach(() => {
  played.calls = []
})

const ids = (jobs: OpenJobs) => jobs.list.map((one) => one.id)

test('jobs are in request order, each once', () => {
  const later = job('a', { queued: '2026-11-28T10:00:00.5+00:00' })
  const first = job('b', { queued: '2026-11-28T11:00:00+01:00' })
  const last = job('c', { queued: '2026-11-28T10:00:01Z' })
  const jobs = [last, later, first, { ...later, run: '1-a' }].reduce<Job[]>(withJob, [])
  expect(jobs).toEqual([first, { ...later, run: '1-a' }, last])
})

test.each(['succeeded', 'partial', 'failed', 'cancelled', 'interrupted'] as const)(
  'a job that has %s is open no more, and is remembered for a while',
  (state) => {
    const jobs = new OpenJobs()
    jobs.hear({ kind: 'job', job: job('a') })
    expect(ids(jobs)).toEqual(['a'])
    jobs.hear({ kind: 'job', job: job('a', { state }) })
    expect(ids(jobs)).toEqual([])
    expect(jobs.ended.map((one) => one.state)).toEqual([state])
    for (let at = 0; at < 1_000; at += 1)
      jobs.hear({ kind: 'job', job: job(`x${at}`, { state: 'succeeded' }) })
    expect(jobs.ended.length).toBeLessThan(50)
  },
)

test.each(['queued', 'running', 'stopping'] as const)('a job that is %s is open', (state) => {
  const jobs = new OpenJobs()
  jobs.hear({ kind: 'job', job: job('a', { state }) })
  expect(jobs.list.map((one) => one.state)).toEqual([state])
})

test('a page that opens later reads all open jobs', async () => {
  const jobs = new OpenJobs()
  jobs.begin()
  expect(played.last('jobs_list').request).toEqual({ open: true, before: null, limit: null })
  await played.last('jobs_list').answer({ jobs: [job('b')], next: 'b' })
  expect(played.last('jobs_list').request).toMatchObject({ open: true, before: 'b' })
  await played.last('jobs_list').answer({ jobs: [job('a')], next: null })
  expect(ids(jobs)).toEqual(['a', 'b'])
})

test('events during the first read are applied after it', async () => {
  const jobs = new OpenJobs()
  jobs.begin()
  jobs.hear({ kind: 'job', job: job('a', { state: 'succeeded' }) })
  jobs.hear({ kind: 'job', job: job('b', { run: '2-b' }) })
  jobs.hear({ kind: 'job', job: job('c', { state: 'queued' }) })
  await played.last('jobs_list').answer({ jobs: [job('a'), job('b')], next: null })
  expect(jobs.list).toEqual([job('b', { run: '2-b' }), job('c', { state: 'queued' })])
})

test('missed reads the list of jobs again', async () => {
  const jobs = new OpenJobs()
  jobs.begin()
  await played.last('jobs_list').answer({ jobs: [job('a')], next: null })
  jobs.hear({ kind: 'missed' })
  const older = played.last('jobs_list')
  jobs.hear({ kind: 'missed' })
  await played.last('jobs_list').answer({ jobs: [job('b')], next: null })
  await older.answer({ jobs: [job('a')], next: null })
  expect(ids(jobs)).toEqual(['b'])
})

test('a failed read keeps the known jobs', async () => {
  const jobs = new OpenJobs()
  jobs.begin()
  await played.last('jobs_list').answer({ jobs: [job('a')], next: null })
  jobs.hear({ kind: 'missed' })
  await played.last('jobs_list').fail('broken')
  expect(ids(jobs)).toEqual(['a'])
  jobs.hear({ kind: 'job', job: job('a', { state: 'failed' }) })
  expect(ids(jobs)).toEqual([])
})
