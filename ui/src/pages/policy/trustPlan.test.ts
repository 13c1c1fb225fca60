// Tests of plans to write a trust policy, in the shape of plans of any kind.

import { expect, test } from 'vitest'
import type { Applied, ChangeRecord, Job, StepRole, TrustPlan } from '../../api'
import { failure } from '../../api/host'
import { job } from '../../api/played'
import type { PlanState } from '../../plans/plan'
import { endOf, hasMoved, pastOf, planOf, planSays, underWay, wordsOf } from './trustPlan'

const target = 'arn:aws:iam::123456789012:role/team/lake'
const call = (call: string, role: StepRole) => ({
  n: 0,
  call,
  role,
  changes: role === 'change',
  target,
  what: 'For',
})
const write = {
  v: 1,
  kind: 'trust_policy',
  id: 'plan-1',
  role: target,
  before: 'old',
  after: 'new',
  calls: [
    call('iam:GetRole', 'check'),
    call('iam:UpdateAssumeRolePolicy', 'change'),
    call('iam:GetRole', 'prove'),
  ],
  restores: null,
} as unknown as TrustPlan

test('a trust plan in the shape of any plan', () => {
  expect(planOf(write)).toEqual({ id: 'plan-1', kind: 'trust_policy', steps: write.calls })
  expect(wordsOf(write).title).toBe('Write the policy of lake')
  expect(wordsOf({ ...write, restores: 'c1' }).title).toBe('Put back the policy of lake')
})

const change = {
  id: 'c1',
  at: '2026-01-01T00:00:00Z',
  by: 'arn:aws:sts::1:user/me',
  role: target,
  state: 'done',
  cells: [
    { principal: 'a', externalId: 'x', before: 'implicit_deny', after: 'allow' },
    { principal: 'b', externalId: 'x', before: 'allow', after: 'implicit_deny' },
  ],
  restores: null,
  error: null,
} as unknown as ChangeRecord

test('how it ended is the end of a plan', () => {
  const applied = { outcome: 'written', change, request_id: 'r', reads: 2, error: null } as Applied
  const end = endOf({ ...applied, journal: null })
  expect(end).toEqual({
    outcome: 'written',
    sent: true,
    by: change.by,
    request: 'r',
    reads: 2,
    error: null,
    unrecorded: null,
  })
  expect(endOf({ ...applied, change: { ...change, state: 'unneeded' } }).sent).toBe(false)
})

test.each([
  ['done', null, 'written', 'Written. 1 cell opens, 1 closes', true],
  ['done', 'c0', 'written', 'Put back. 1 cell opens, 1 closes', true],
  ['sent', null, 'unknown', 'AWS may have taken it. 1 cell opens, 1 closes', true],
  [
    'drifted',
    null,
    'reads_otherwise',
    'AWS took it and returned another policy. 1 cell opens, 1 closes',
    true,
  ],
  ['refused', null, 'not_written', 'Nothing was changed', false],
  ['unneeded', null, 'not_needed', 'Not sent: AWS had this policy already', false],
] as const)('a change that was %s is in the history', (state, restores, past, what, canRestore) => {
  const record = { ...change, state, restores }
  expect(pastOf(record, false, true)).toMatchObject({ state: past, what, canRestore, of: 'lake' })
  expect(pastOf(record, true, false)).toMatchObject({ state: 'running', of: '' })
})

test('outcomes are written, not written and unknown', () => {
  const now: PlanState = {
    plan: planOf(write),
    stage: 'shown',
    progress: null,
    furthest: 0,
    end: null,
    failure: null,
    found: null,
    hasMoved: false,
  }
  expect(planSays('lake', now)).toContain('Nothing has been sent yet')
  expect(planSays('lake', { ...now, stage: 'not_written' })).toBe(
    'Nothing changed: `lake` has the trust policy that it had before.',
  )
  expect(planSays('lake', { ...now, stage: 'unknown' })).toBe(
    'AWS may have taken it. Read the role again to see which policy it has.',
  )
  const found = { has: 'after', text: '{}' } as const
  expect(planSays('lake', { ...now, stage: 'unknown', found })).toBe('`lake` has the new policy.')
  expect(planSays('lake', { ...now, stage: 'stopped' })).toContain('Nothing was sent')
  expect(planSays('lake', { ...now, stage: 'running' })).toContain('Nothing has been sent yet')
  const progress = { step: 2, reads: 1 }
  expect(planSays('lake', { ...now, stage: 'running', progress })).toContain('is written')
  const cancelled = failure('cancelled', 'Stopped.', '')
  expect(planSays('lake', { ...now, stage: 'not_written', failure: cancelled })).toContain(
    'Stopped before it was written',
  )
  const { answer } = wordsOf(write)
  const [check, send, prove] = now.plan.steps
  expect(answer(check!, 'stopped', { ...now, hasMoved: true })).toContain('no longer')
  expect(answer(send!, 'unknown', now)).toBe('No answer: AWS may have taken it')
  expect(answer(prove!, 'running', { ...now, progress })).toBe('1 read, not the new text twice yet')
  expect(answer(prove!, 'waits', now)).toBe(null)
  expect(hasMoved(failure('role_changed', '', ''))).toBe(true)
  expect(hasMoved(failure('outcome_unknown', '', ''))).toBe(false)
})

test('a change is running while its job is', () => {
  const of = (id: string, state: ChangeRecord['state'], at: string) => ({ id, state, at })
  const changes = [
    of('c3', 'done', '2026-01-01T00:00:30Z'),
    of('c2', 'sent', '2026-01-01T00:00:20.5Z'),
    of('c1', 'sent', '2026-01-01T00:00:10Z'),
  ]
  const change = (queued: string, more: Partial<Job> = {}) =>
    job('a', { kind: 'change', queued, about: null, ...more })
  expect(underWay(changes, [change('2026-01-01T00:00:20Z')], 'default')).toBe('c2')
  const stopping = change('2026-01-01T00:00:20Z', { state: 'stopping' })
  expect(underWay(changes, [stopping], 'default')).toBe('c2')
  // One that a process left behind when it died, before this job was asked for.
  expect(underWay(changes, [change('2026-01-01T00:00:25Z')], 'default')).toBe(undefined)
  for (const more of [{ state: 'queued' }, { profile: 'other' }, { kind: 'sync' }] as const)
    expect(underWay(changes, [change('2026-01-01T00:00:20Z', more)], 'default')).toBe(undefined)
  expect(underWay(changes, [], 'default')).toBe(undefined)
})
