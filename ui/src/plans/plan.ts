// A plan of any kind: its steps, progress and outcome, and the state of each step. It knows no kind of plan; what
// a kind shows is passed to the components. Pure.

import type { Failure, Outcome, PlanProgress, Step } from '../api'
import type { IconName } from '../components/icons'

export type { PlanProgress }

/** What is shown of a step. */
export type PlanStep = Pick<Step, 'call' | 'role' | 'target' | 'what'>

export interface Plan {
  id: string
  kind: string
  /** In their order. */
  steps: PlanStep[]
}

/** How a plan ended. */
export interface PlanEnd {
  outcome: Outcome
  /** Whether anything was sent: what is so already needs no call. */
  sent: boolean
  /** Who carried it out. */
  by: string
  /** The other side's name for the change, where it accepted one. */
  request: string | null
  reads: number
  /** Why it was not written, or why that is not known. */
  error: Failure | null
  /** Why the history does not have it; the outcome holds all the same. */
  unrecorded: Failure | null
}

/** What was found after an outcome that is not known: what the plan would write, what was there, or neither. */
export interface PlanFound {
  has: 'after' | 'before' | 'other'
  text: string
}

/** Where a plan is: shown, under way, ended in one of three ways, or stopped before anything was sent. */
export type PlanStage = 'shown' | 'running' | 'stopped' | Outcome

/** A plan on its way, as its words and steps see it. */
export interface PlanState {
  plan: Plan
  stage: PlanStage
  /** The last that was reported; null before anything was. */
  progress: PlanProgress | null
  /** The furthest step that was begun: a step can be made again. */
  furthest: number
  end: PlanEnd | null
  failure: Failure | null
  found: PlanFound | null
  /** Whether it was not written because something else was changed since it was made. */
  hasMoved: boolean
}

/** What is said of a step. */
export type Standing = 'waits' | 'running' | 'done' | 'stopped' | 'failed' | 'unknown' | 'not_sent'

export const standingLooks: Record<Exclude<Standing, 'waits'>, [string, IconName, string]> = {
  running: ['running', 'running', 'Running'],
  done: ['done', 'passed', 'Done'],
  stopped: ['cancelled', 'cancelled', 'Stopped'],
  failed: ['failed', 'failed', 'Failed'],
  unknown: ['unknown', 'unknown', 'Unknown'],
  not_sent: ['cancelled', 'skipped', 'Not sent'],
}

export function isCancelled(failure: Failure | null): boolean {
  return failure?.code === 'cancelled'
}

/** The state of a step. A lost answer is not a failure, and a step that was sent is never called unsent. */
export function standing(at: number, now: PlanState): Standing {
  const role = now.plan.steps[at]?.role
  const last = now.progress?.step ?? 0
  switch (now.stage) {
    case 'shown':
      return 'waits'
    case 'stopped':
      return 'not_sent'
    case 'written':
      return role === 'check' || now.end?.sent ? 'done' : 'not_sent'
    case 'unknown': {
      if (role !== 'change') {
        const began = role === 'check' ? 'done' : 'unknown'
        return at <= now.furthest ? began : 'not_sent'
      }
      // Only the answer shows the result of a change, and it may be lost. A change before another one was answered.
      const later = now.plan.steps.slice(at + 1, now.furthest + 1)
      return now.end?.request || later.some((one) => one.role === 'change') ? 'done' : 'unknown'
    }
    case 'running':
      if (at === last) return now.progress ? 'running' : 'waits'
      return at < last ? 'done' : 'waits'
    case 'not_written':
      if (at < last) return 'done'
      if (at > last) return at > now.furthest ? 'not_sent' : 'failed'
      return now.hasMoved || isCancelled(now.failure) ? 'stopped' : 'failed'
  }
}

/** How many steps of a plan change something. */
export function changes(plan: Plan): number {
  return plan.steps.filter((one) => one.role === 'change').length
}
