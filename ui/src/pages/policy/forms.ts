// The form of a policy, which is one of the planner's two, and which callers must be planned again to change it.
// Pure.

import type { KeptGoal, PlanForm, PolicyCards, StatementCard } from '../../api'
import type { PlanPreview } from './requests'

/** The form of a draft; `custom` is neither of those that a plan gives. */
export type DraftForm = PlanForm | 'custom'

/** The statements that allow one of some principals. */
function allowing(policy: PolicyCards, callers: readonly string[]): StatementCard[] {
  return policy.statements.filter(
    (one) => one.effect === 'Allow' && one.principals.some(({ value }) => callers.includes(value)),
  )
}

/** Whom a statement names beside the role itself, which needs its own id in either form. */
function named(statement: StatementCard, role: string): string[] {
  return statement.principals.map(({ value }) => value).filter((value) => value !== role)
}

/** The goals that are switched on and that a policy allows by name, except the role itself. */
function callersIn(policy: PolicyCards, goals: readonly KeptGoal[], role: string): string[] {
  const wanted = goals.filter((one) => one.on).map((one) => one.goal.principal)
  return [...new Set(wanted)].filter((one) => one !== role && allowing(policy, [one]).length > 0)
}

/**
 * The form that a policy has: a statement for each of its callers, one statement for all of them, or
 * neither. Null where both forms would look alike: nobody is let in, or one caller by itself.
 */
export function formOf(
  policy: PolicyCards | null,
  goals: readonly KeptGoal[],
  role: string,
): DraftForm | null {
  if (!policy) return null
  const callers = callersIn(policy, goals, role)
  const statements = allowing(policy, callers)
  if (statements.every((one) => named(one, role).length === 1))
    return callers.length > 1 ? 'separate' : null
  const [only, ...others] = statements
  if (!only || others.length > 0) return 'custom'
  const all = named(only, role)
  return callers.every((one) => all.includes(one)) ? 'guide' : 'custom'
}

/** The callers that have to be taken out of a policy and planned again, so that it gets a form. */
export function leaving(
  policy: PolicyCards,
  goals: readonly KeptGoal[],
  role: string,
  form: PlanForm,
): string[] {
  const callers = callersIn(policy, goals, role)
  // The others join the first one's statement.
  if (form === 'guide') return callers.slice(1)
  const gone = new Set<string>()
  for (const statement of allowing(policy, callers)) {
    const all = named(statement, role)
    if (all.length < 2) continue
    const ours = callers.filter((one) => all.includes(one))
    // A statement that names nobody else keeps one of them, because it cannot be empty.
    for (const one of ours.slice(ours.length === all.length ? 1 : 0)) gone.add(one)
  }
  return callers.filter((one) => gone.has(one))
}

/** The form whose plan gives a text; null when neither does, or both do. */
export function formGiving(previews: Record<PlanForm, PlanPreview>, text: string): PlanForm | null {
  const separate = previews.separate.after === text
  const guide = previews.guide.after === text
  if (separate === guide) return null
  return separate ? 'separate' : 'guide'
}
