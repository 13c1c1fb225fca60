// Letting callers in and keeping them out: each a plan of the core, taken as one step of the draft.

import { ask, asFailure, type Failure, type KeptGoal, type PlanForm } from '../../api'
import { draft } from './draft.svelte'
import { removal, wanted } from './goals'
import { own, planOf } from './questions'

/** Plans on a text, and takes what comes out as the next step. Says why when that is refused. */
async function plan(from: string, goals: KeptGoal[]): Promise<Failure | null> {
  if (!draft.role) {
    const hint = 'A plan says which role trusts whom; it changes nothing there.'
    return own('Name the role that has this policy first.', hint, 'role')
  }
  try {
    const planned = await planOf({ ...draft.wish(goals), text: from })
    if (planned.refused) {
      const { code, message } = planned.refused
      return { ...own(message, 'Nothing is changed.'), code }
    }
    draft.planned = { from, goals, after: planned.after }
    draft.step({ text: planned.after, goals })
    return null
  } catch (thrown) {
    return asFailure(thrown)
  }
}

/** As `plan`; what is refused stands beside a caller, or over the picture. Says whether it was taken. */
export async function planBeside(
  from: string,
  goals: KeptGoal[],
  principal: string | null,
): Promise<boolean> {
  const failure = await plan(from, goals)
  draft.refusal = failure && { principal, failure }
  return failure === null
}

/** Lets everyone in who is asked for and is not in yet. */
export async function letIn(): Promise<void> {
  await planBeside(draft.text, draft.goals, draft.missing[0]?.goal.principal ?? null)
}

/** Asks for one more caller, and plans. Says why when that is refused. */
export async function add(goal: KeptGoal): Promise<Failure | null> {
  const { principal, externalId } = goal.goal
  const others = draft.goals.filter(
    (one) =>
      one.goal.principal !== principal ||
      (one.goal.externalId !== externalId && one.goal.externalId !== null),
  )
  // Databricks has the role assume itself with the same id.
  const known = others.map((one) =>
    goal.template === 'unity_catalog' && one.template === 'self' && !one.goal.externalId
      ? { ...one, goal: { ...one.goal, externalId }, on: true }
      : one,
  )
  const goals = [...known, { ...goal, on: true }]
  try {
    return await plan(await filled(goals), goals)
  } catch (thrown) {
    return asFailure(thrown)
  }
}

/** The text with the ids of goals in the place of placeholders that waited for them. */
async function filled(goals: KeptGoal[]): Promise<string> {
  const { base } = draft
  const facts = draft.facts(goals)
  let { text } = draft
  for (let round = 0; round < 16; round += 1) {
    const view = await ask('policy_look', { text, base, facts })
    const fix = view.findings.find((one) => one.finding.id === 'TP012' && one.fix)?.fix
    if (!fix || fix.text === text) break
    text = fix.text
  }
  return text
}

/** Switches a caller on or off. A caller whose id is not known cannot be switched on. */
export async function toggle(principal: string, on: boolean): Promise<void> {
  const goals = draft.goals.map((one) =>
    one.goal.principal === principal && one.goal.externalId !== null ? { ...one, on } : one,
  )
  if (on) {
    await planBeside(draft.text, goals, principal)
    return
  }
  const policy = draft.view?.policy
  if (!policy) return
  const kept = new Set(wanted(goals).map((goal) => goal.externalId))
  const ids = draft.goals
    .filter((one) => one.goal.principal === principal)
    .flatMap((one) => one.goal.externalId ?? [])
    .filter((id) => !kept.has(id))
  const edits = removal(policy, principal, ids)
  if (edits.length === 0) {
    draft.step({ goals })
    return
  }
  const failure = await draft.edit(edits, goals)
  if (failure) draft.refusal = { principal, failure }
}

/** Chooses the form; a plan that was just made is made again in it. */
export async function choose(form: PlanForm): Promise<void> {
  const was = draft.form
  draft.form = form
  draft.keepSoon()
  const { planned } = draft
  if (!planned || planned.after !== draft.text) return
  if (!(await planBeside(planned.from, planned.goals, null))) draft.form = was
}
