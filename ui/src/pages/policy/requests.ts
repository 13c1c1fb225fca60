// The requests of the policy page to the core, with the checks that need no core: text that is too long, and names
// that are not ARNs. It keeps no state.

import type {
  Commands,
  Facts,
  Failure,
  KeptGoal,
  PatchPlan,
  PlanForm,
  PolicyView,
  RoleRead,
  TrustPlan,
} from '../../api'
import { asFailure, type Name, type Options } from '../../api/host'
import { count, quoted } from '../../format'
import type { PlanFound } from '../../plans/plan'
import { wanted } from './goals'

/** The way to the core. Rejects with a `Failure`. */
export type Ask = <K extends Name>(
  name: K,
  request: Commands[K]['request'],
  options?: Options<K>,
) => Promise<Commands[K]['response']>

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

/** Why a name is not a role's ARN; null when it is one. */
export function notARole(role: string): Failure | null {
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

/** A text, what it is compared with, and what is known beside it. */
export interface Question {
  text: string
  base: string
  facts: Facts
}

/** All that the core says of a text. */
export function analyze(ask: Ask, question: Question): Promise<PolicyView> {
  return ask('policy_analyze', question)
}

/** Whether two texts are the same policy to AWS. */
export async function isSame(ask: Ask, question: Question): Promise<boolean> {
  return question.text === question.base || (await analyze(ask, question)).same
}

/** Which of a plan's two policies a role has. */
export async function compared(
  ask: Ask,
  plan: Pick<TrustPlan, 'role_id' | 'before' | 'after'>,
  { role }: RoleRead,
  facts: Facts,
): Promise<PlanFound> {
  const text = role.trust_policy
  const isOne = plan.role_id === null || plan.role_id === role.role_id
  for (const has of ['after', 'before'] as const) {
    if (isOne && (await isSame(ask, { text, base: plan[has], facts }))) return { has, text }
  }
  return { has: 'other', text }
}

/** The text with the ids of goals in the place of placeholders that waited for them. */
export async function filled(ask: Ask, question: Question): Promise<string> {
  let { text } = question
  for (let round = 0; round < 16; round += 1) {
    const view = await analyze(ask, { ...question, text })
    const fix = view.findings.find((one) => one.finding.id === 'TP012' && one.fix)?.fix
    if (!fix || fix.text === text) break
    text = fix.text
  }
  return text
}

/** What a plan is made from. */
export interface PlanInput {
  text: string
  role: string
  goals: KeptGoal[]
  form: PlanForm
  quota: number | null
}

export function planOf(ask: Ask, input: PlanInput): Promise<PatchPlan> {
  const { text, role, goals, form, quota } = input
  return ask('policy_plan', { text, goals: { role, allow: wanted(goals) }, form, quota })
}

/** What a plan would do. */
export interface PlanPreview {
  opens: number
  closes: number
  /** Why there is no such plan. */
  refused: string | null
  /** The text that would come out; null when there is no such plan. */
  after: string | null
}

export async function previewOf(ask: Ask, input: PlanInput): Promise<PlanPreview> {
  try {
    const { matrix, refused, after } = await planOf(ask, input)
    const opens = matrix.filter((one) => one.before !== 'allow' && one.after === 'allow').length
    const closes = matrix.filter((one) => one.before === 'allow' && one.after !== 'allow').length
    return { opens, closes, refused: refused?.message ?? null, after: refused ? null : after }
  } catch (thrown) {
    return { opens: 0, closes: 0, refused: asFailure(thrown).message, after: null }
  }
}

/** What a plan would do in each form. */
export async function previewsOf(
  ask: Ask,
  input: Omit<PlanInput, 'form'>,
): Promise<Record<PlanForm, PlanPreview>> {
  const of = (form: PlanForm) => previewOf(ask, { ...input, form })
  const [separate, guide] = await Promise.all([of('separate'), of('guide')])
  return { separate, guide }
}
