// Tests of plans: the state of each step, and how a plan is applied, stopped and checked afterwards.

import { describe, expect, test } from 'vitest'
import type { Failure, StepRole } from '../api'
import { failure } from '../api/host'
import { changes, standing, type Plan, type PlanEnd, type PlanState } from './plan'
import { PlanRun, type PlanActions } from './planRun.svelte'

function planOf(...roles: StepRole[]): Plan {
  const steps = roles.map((role, at) => ({
    call: `call ${at}`,
    role,
    target: '',
    what: '',
  }))
  return { id: 'plan', kind: 'any', steps }
}

const three = planOf('check', 'change', 'prove')
const end: PlanEnd = {
  outcome: 'written',
  sent: true,
  by: 'me',
  request: null,
  reads: 2,
  error: null,
  unrecorded: null,
}
const cancelled = failure('cancelled', 'Stopped.', '')

function state(change: Partial<PlanState>): PlanState {
  const nothing = { progress: null, furthest: 0, end: null, failure: null, found: null }
  return { plan: three, stage: 'shown', ...nothing, hasMoved: false, ...change }
}

const at = (step: number, furthest = step) => ({ progress: { step, reads: 0 }, furthest })

describe('how each step stands', () => {
  test.each([
    ['shown', state({}), 'waits waits waits'],
    ['asked, nothing reported', state({ stage: 'running' }), 'waits waits waits'],
    ['being checked', state({ stage: 'running', ...at(0) }), 'running waits waits'],
    ['being changed', state({ stage: 'running', ...at(1) }), 'done running waits'],
    ['being proved', state({ stage: 'running', ...at(2) }), 'done done running'],
    ['written', state({ stage: 'written', ...at(2), end }), 'done done done'],
    [
      'so already',
      state({ stage: 'written', end: { ...end, sent: false } }),
      'done not_sent not_sent',
    ],
    ['never sent', state({ stage: 'stopped' }), 'not_sent not_sent not_sent'],
    ['moved', state({ stage: 'not_written', hasMoved: true }), 'stopped not_sent not_sent'],
    [
      'cancelled',
      state({ stage: 'not_written', ...at(0), failure: cancelled }),
      'stopped not_sent not_sent',
    ],
    ['refused', state({ stage: 'not_written', ...at(1) }), 'done failed not_sent'],
    [
      'refused, after it was tried again',
      state({ stage: 'not_written', ...at(0, 1) }),
      'failed failed not_sent',
    ],
    ['answer lost', state({ stage: 'unknown', ...at(1) }), 'done unknown not_sent'],
    ['answer lost on its way to the page', state({ stage: 'unknown' }), 'done unknown not_sent'],
    ['not proved', state({ stage: 'unknown', ...at(2) }), 'done unknown unknown'],
    [
      'taken and not proved',
      state({ stage: 'unknown', ...at(2), end: { ...end, request: 'r-1' } }),
      'done done unknown',
    ],
  ])('%s', (_, now, stands) => {
    expect(now.plan.steps.map((_, at) => standing(at, now)).join(' ')).toBe(stands)
  })

  test('a change followed by another one was answered', () => {
    const plan = planOf('check', 'change', 'prove', 'check', 'change', 'prove')
    const now = state({ plan, stage: 'unknown', ...at(4) })
    expect(plan.steps.map((_, at) => standing(at, now))).toEqual([
      'done',
      'done',
      'unknown',
      'done',
      'unknown',
      'not_sent',
    ])
    expect(changes(plan)).toBe(2)
  })
})

describe('a plan that is carried out', () => {
  type Apply = Parameters<PlanActions['apply']>[0]
  const moved = failure('moved', 'Somebody was faster.', '')

  function run(apply: (options: Apply) => Promise<PlanEnd>, more: Partial<PlanActions> = {}) {
    return new PlanRun(three, {
      apply,
      stop: async () => {},
      look: async () => ({ has: 'after', text: 'new' }),
      hasMoved: (failure) => failure?.code === 'moved',
      ...more,
    })
  }
  const fails = (code: string, step?: number) =>
    run(async ({ report }) => {
      if (step !== undefined) report({ step, reads: 0 })
      throw failure(code, 'No.', '')
    })

  test('is applied once, tells how far it is, and ends', async () => {
    const steps: number[] = []
    const plan = run(async ({ report, call, code }) => {
      expect(call).not.toBe('')
      expect(code).toBe('123456')
      for (const step of [0, 1, 0, 1, 2]) {
        report({ step, reads: step })
        steps.push(plan.furthest)
      }
      expect(plan.stage).toBe('running')
      void plan.apply()
      return end
    })
    await plan.apply('123456')
    expect(steps).toEqual([0, 1, 1, 1, 2])
    expect(plan).toMatchObject({ stage: 'written', end, failure: null, canApply: false })
    await plan.apply()
    expect(plan.stage).toBe('written')
  })

  test.each([
    ['aws_denied', undefined, 'stopped', true],
    ['aws_denied', 0, 'stopped', true],
    // What may have been sent is not called unsent, and cannot be sent again.
    ['aws_denied', 1, 'unknown', false],
    ['host_gone', undefined, 'unknown', false],
    ['internal', 0, 'unknown', false],
    ['page_failed', undefined, 'unknown', false],
  ] as const)('%s after step %s is %s', async (code, step, stage, canApply) => {
    const plan = fails(code, step)
    await plan.apply()
    expect(plan).toMatchObject({ stage, canApply, failure: { code } })
  })

  test.each([
    [moved, false],
    [failure('plan_gone', 'Gone.', ''), false],
    [failure('aws_denied', 'No.', ''), true],
    [cancelled, true],
  ] satisfies [Failure, boolean][])(
    'not written because of %j can be tried again: %s',
    async (error, canApply) => {
      const plan = run(async () => ({ ...end, outcome: 'not_written', error }))
      await plan.apply()
      expect(plan).toMatchObject({ stage: 'not_written', canApply, failure: error })
    },
  )

  test('is asked to stop once, and says when that failed', async () => {
    let stops = 0
    let go = () => {}
    const held = new Promise<void>((done) => (go = done))
    const plan = run(
      async () => {
        await held
        return { ...end, outcome: 'not_written', error: cancelled }
      },
      {
        stop: async () => {
          stops += 1
          if (stops === 1) throw failure('no_call', 'No such call.', '')
        },
      },
    )
    await plan.stop()
    expect(stops).toBe(0)
    const done = plan.apply()
    await plan.stop()
    expect(plan).toMatchObject({ isStopping: false, trouble: { code: 'no_call' } })
    await plan.stop()
    await plan.stop()
    expect(plan).toMatchObject({ isStopping: true, trouble: null })
    expect(stops).toBe(2)
    go()
    await done
    expect(plan.stage).toBe('not_written')
  })

  test('can be checked only after an unknown outcome', async () => {
    let fails = true
    const plan = run(async () => ({ ...end, outcome: 'unknown', error: null }), {
      look: async () => {
        if (fails) throw failure('aws_unreachable', 'No.', '')
        return { has: 'before', text: 'old' }
      },
    })
    await plan.look()
    expect(plan.trouble).toBe(null)
    await plan.apply()
    await plan.look()
    expect(plan).toMatchObject({ stage: 'unknown', found: null, isLooking: false })
    expect(plan.trouble?.code).toBe('aws_unreachable')
    fails = false
    await plan.look()
    expect(plan).toMatchObject({ found: { has: 'before' }, trouble: null })
  })
})
