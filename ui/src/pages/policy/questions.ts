// What the page asks the core about a draft, and what it need not ask: too much text, a name that is none.

import {
  ask,
  asFailure,
  type Facts,
  type Failure,
  type KeptGoal,
  type PatchPlan,
  type PlanForm,
  type RoleRead,
} from '../../api'
import { count, quoted } from '../../format'
import { wanted } from './goals'

/** More than AWS takes in one call, and more than may go to the core. */
const mostCharacters = 131_072
const roleArn = /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/

/** A refusal of the page's own. */
export function own(message: string, hint: string, field: string | null = null): Failure {
  return { code: 'wrong_use', message, hint, field, retryable: false, trace: null }
}

/** Why a text cannot be taken; null when it can. */
export function tooLong(text: string): Failure | null {
  if (text.length <= mostCharacters) return null
  const size = `${count(text.length)} characters are more than AWS takes in one call, ${count(mostCharacters)}.`
  return own(size, 'Take only the policy itself. What was there is kept.')
}

/** Why a name is no role's; null when it is one. */
export function noRole(role: string): Failure | null {
  if (roleArn.test(role)) return null
  const hint = 'Write one such as `arn:aws:iam::123456789012:role/name`.'
  return own(`${quoted(role)} is no role’s ARN.`, hint, 'role')
}

/** What is known beside the text. */
export function factsOf(role: string, read: RoleRead | null, goals: KeptGoal[]): Facts {
  const ids = goals
    .filter((one) => one.on && one.template === 'segment')
    .flatMap((one) => one.goal.externalId ?? [])
  return {
    role: roleArn.test(role) ? role : null,
    goals: wanted(goals),
    credential: null,
    databricksAccountId: null,
    segment: ids.length > 0 ? { principals: [], workspaceIds: ids } : null,
    quota: read?.quota ?? null,
    now: new Date().toISOString(),
    tags: read?.role.tags ?? null,
    maxSessionSeconds: read?.role.max_session_seconds ?? null,
    selfAssumeAllowed: read?.self_assume_allowed ?? null,
    existing: read?.existing ?? {},
  }
}

/** Who is to get in, and how. */
export interface Wish {
  role: string
  goals: KeptGoal[]
  form: PlanForm
  quota: number | null
}

/** Plans on a text. Rejects with a `Failure`. */
export function planOf({
  role,
  goals,
  form,
  quota,
  text,
}: Wish & { text: string }): Promise<PatchPlan> {
  return ask('policy_plan', { text, goals: { role, allow: wanted(goals) }, form, quota })
}

/** What a form would do for the callers that are not in yet. */
export interface Offer {
  opens: number
  closes: number
  refused: string | null
}

export async function offerOf(wish: Wish & { text: string }): Promise<Offer> {
  try {
    const { matrix, refused } = await planOf(wish)
    const opens = matrix.filter((one) => one.before !== 'allow' && one.after === 'allow').length
    const closes = matrix.filter((one) => one.before === 'allow' && one.after !== 'allow').length
    return { opens, closes, refused: refused?.message ?? null }
  } catch (thrown) {
    return { opens: 0, closes: 0, refused: asFailure(thrown).message }
  }
}
