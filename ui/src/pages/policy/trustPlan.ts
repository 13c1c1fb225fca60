// Plans to write a trust policy: the core's answers in the shape that `ui/src/plans` shows, and the sentences of
// this kind. Pure.

import type {
  Applied,
  ChangeRecord,
  ChangeState,
  Failure,
  Job,
  StepRole,
  TrustPlan,
} from '../../api'
import { many, quoted } from '../../format'
import type { PastPlan, PastState } from '../../plans/pastPlan'
import type { Plan, PlanEnd, PlanFound, PlanState, PlanStep, Standing } from '../../plans/plan'
import type { PlanWords } from '../../plans/planWords'
import { cells } from './messages'

/** A role's name without its path. */
export function roleName(arn: string): string {
  return arn.split('/').at(-1) ?? arn
}

/** A plan as every kind is shown. */
export function planOf({ id, kind, calls }: TrustPlan): Plan {
  return { id, kind, steps: calls }
}

export function endOf({ outcome, change, request_id, error, journal, reads }: Applied): PlanEnd {
  return {
    outcome,
    sent: change.state !== 'unneeded',
    by: change.by,
    request: request_id,
    reads,
    error,
    unrecorded: journal,
  }
}

/** Whether a plan was not written because the role has changed since it was read. */
export function hasMoved(failure: Failure | null): boolean {
  return failure?.code === 'role_changed' || failure?.code === 'role_recreated'
}

const states: Record<ChangeState, PastState> = {
  sent: 'unknown',
  done: 'written',
  unneeded: 'not_needed',
  refused: 'not_written',
  drifted: 'reads_otherwise',
}

/** How many cells a change opened and closed. */
export function moves(change: Pick<ChangeRecord, 'cells'>): string {
  return cells(
    change.cells.filter((cell) => cell.after === 'allow').length,
    change.cells.filter((cell) => cell.before === 'allow').length,
  )
}

/**
 * The change that is being sent, by its id: it is on record before it is sent, and only the job that sends
 * it tells that it was not given up. A profile's changes are made one after the other.
 */
export function underWay(
  changes: readonly Pick<ChangeRecord, 'id' | 'at' | 'state'>[],
  jobs: readonly Job[],
  profile: string | null,
): string | undefined {
  const asked = jobs
    .filter((job) => job.kind === 'change' && job.profile === profile && job.state !== 'queued')
    .map((job) => Date.parse(job.queued))
  const sent = changes.find((one) => one.state === 'sent')
  return sent && asked.some((at) => at <= Date.parse(sent.at)) ? sent.id : undefined
}

/** A change of the journal; one that is being sent has no end yet. */
export function pastOf(change: ChangeRecord, isUnderWay: boolean, named: boolean): PastPlan {
  const said: Record<ChangeState, string> = {
    refused: change.error?.message ?? 'Nothing was changed',
    unneeded: 'Not sent: AWS had this policy already',
    sent: `AWS may have taken it. ${moves(change)}`,
    drifted: `AWS took it and returned another policy. ${moves(change)}`,
    done: `${change.restores ? 'Put back' : 'Written'}. ${moves(change)}`,
  }
  return {
    id: change.id,
    at: change.at,
    state: isUnderWay ? 'running' : states[change.state],
    of: named ? roleName(change.role) : '',
    what: isUnderWay ? `Being written. ${moves(change)}` : said[change.state],
    canRestore: change.state !== 'refused' && change.state !== 'unneeded',
  }
}

/** What plans to write a role's trust policy say. */
export function wordsOf({ role, restores }: TrustPlan): PlanWords {
  const name = roleName(role)
  return {
    title: restores ? `Put back the policy of ${name}` : `Write the policy of ${name}`,
    says: (now) => planSays(name, now),
    answer,
    found: { after: 'New policy', before: 'Old policy', other: 'Another policy' },
    written: 'The role has the new policy.',
    valid:
      'Valid only for the version that was read. If someone changes the policy first, Headgate stops.',
    usual: 'AWS usually answers within seconds',
    patience:
      'Headgate tries for up to a minute to write and for up to another to read the new text back, and waits for the call then under way.',
    look: 'Read the role again',
    looking: 'Reading the role',
    kept: 'Your draft is kept.',
    unsent: 'Nothing was sent. Your draft is kept.',
    planAgain: 'Your draft is kept. Plan again to write it.',
  }
}

/** The line under the title of a plan. */
export function planSays(role: string, now: PlanState): string {
  const name = quoted(role)
  const policy = `the trust policy of ${name}`
  const asBefore = `${name} has the trust policy that it had before.`
  switch (now.stage) {
    case 'shown':
      return `One call changes something: ${policy}. Nothing has been sent yet.`
    case 'running':
      if (!now.progress)
        return 'Nothing has been sent yet. If your desktop asks whether to change the trust policy, answer there.'
      return now.plan.steps[now.progress.step]?.role !== 'prove'
        ? 'Looking whether the policy is still the one above, then writing.'
        : 'The policy is written. Waiting until AWS answers with the new text; the old one can stand for a minute.'
    case 'written':
      return now.end?.sent
        ? `One thing changed: ${policy}.`
        : 'AWS had this policy already; nothing was sent.'
    case 'not_written':
      if (now.failure?.code === 'cancelled') return `Stopped before it was written: ${asBefore}`
      return now.hasMoved
        ? 'Trust policy not changed: AWS had a newer one. Plan again.'
        : `Nothing changed: ${asBefore}`
    case 'stopped':
      return `Nothing was sent: ${asBefore}`
    case 'unknown':
      return now.found
        ? foundSays(name, now.found)
        : 'AWS may have taken it. Read the role again to see which policy it has.'
  }
}

function foundSays(name: string, { has }: PlanFound): string {
  return {
    after: `${name} has the new policy.`,
    before: `${name} has the policy that it had before.`,
    other: `${name} has another policy: neither the new one nor the one before.`,
  }[has]
}

/** What a call answered. */
function answer({ role }: PlanStep, stands: Standing, now: PlanState): string | null {
  const reads = now.end?.reads || (now.progress?.reads ?? 0)
  const said: Record<StepRole, Partial<Record<Standing, string>>> = {
    check: { done: 'The policy was still the one above' },
    change: {
      done: now.end?.request
        ? `Accepted, request ${quoted(now.end.request)}`
        : 'AWS has the new text',
      unknown: 'No answer: AWS may have taken it',
    },
    prove: {
      ...(reads > 0 && { running: `${many(reads, 'read')}, not the new text twice yet` }),
      done: `The text that was shown, after ${many(reads, 'read')}`,
      unknown: 'AWS has not returned the new text twice',
    },
  }
  if (role === 'check' && now.hasMoved) return 'The policy is no longer the one that was read'
  return said[role][stands] ?? null
}
