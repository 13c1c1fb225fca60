// The words that a kind of plan supplies: titles, sentences and labels.

import type { PlanFound, PlanState, PlanStep, Standing } from './plan'

export interface PlanWords {
  title: string
  /** The line under the title. */
  says(now: PlanState): string
  /** What a step answered; null for what it is for. */
  answer(step: PlanStep, stands: Standing, now: PlanState): string | null
  /** What is there, in two words, after an outcome that was not known. */
  found: Record<PlanFound['has'], string>
  /** That it was written, as a sentence. */
  written: string
  /** Until when the plan holds. */
  valid: string
  /** How long it usually takes, and how long is waited at most. */
  usual: string
  patience: string
  /** The label of the check after an unknown outcome, before and while it runs. */
  look: string
  looking: string
  /** What remains after a plan that was not written, and after one that was not sent. */
  kept: string
  unsent: string
  /** What to do when what was there before is there still. */
  planAgain: string
}
