// Converts between the model's draft and the draft that the core saves, with as much history as one call can
// hold. Pure.

import type { Applied, AwsRole, KeptDraft, KeptStep, RoleRead } from '../../api'
import { nearest, type UndoHistory } from './undoHistory'

/** So many steps are kept, those nearest to the draft. */
export const mostSteps = 50
/** So much text is kept in them, in bytes. */
export const mostHistory = 200_000
/** So much one call to the core holds, in characters of JSON, with room for what goes around it. */
export const mostKept = 950_000

/** What a draft is, beside its steps. */
export type DraftState = Omit<KeptDraft, 'text' | 'goals' | 'past' | 'future'> & {
  history: UndoHistory<KeptStep>
}

/** Whose draft it is: a role's ARN, empty for a policy that was pasted without one. */
export function roleOf({ read, role }: Pick<KeptDraft, 'read' | 'role'>): string {
  return read?.role.arn ?? role ?? ''
}

/** A draft to keep. What one call cannot hold is left out: first the steps, then the plan. */
export function toKeep({ history, ...state }: DraftState): KeptDraft {
  const { text, goals } = history.now
  const size = (step: KeptStep) => new TextEncoder().encode(step.text).length
  const steps = nearest(history, mostSteps, mostHistory, size)
  const whole: KeptDraft = { ...state, text, goals, ...steps }
  if (fits(whole)) return whole
  const bare: KeptDraft = { ...whole, past: [], future: [] }
  return fits(bare) ? bare : { ...bare, planned: null }
}

function fits(draft: KeptDraft): boolean {
  return JSON.stringify(draft).length <= mostKept
}

/** The history of a draft that was kept, perhaps by a core that kept none. */
export function historyOf({ text, goals, past, future }: KeptDraft): UndoHistory<KeptStep> {
  return { past: past ?? [], now: { text, goals }, future: future ?? [], typed: null }
}

/** The role as AWS has it after a change. */
export function writtenRole(read: RoleRead, { change, now }: Applied): AwsRole {
  return now ?? { ...read.role, trust_policy: change.after, read_at: change.at }
}

/** A kept draft after a change that was written while nobody had it open; null where it is not of that role. */
export function withApplied(kept: KeptDraft, applied: Applied): KeptDraft | null {
  const { read } = kept
  if (!read || read.role.arn !== applied.change.role) return null
  const role = writtenRole(read, applied)
  const past = [...(kept.past ?? []), { text: kept.text, goals: kept.goals }]
  const text = role.trust_policy
  const history = historyOf({ ...kept, text, past, future: [] })
  return toKeep({ ...kept, read: { ...read, role }, base: text, planned: null, history })
}
