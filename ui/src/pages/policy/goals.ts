// Goals: those that a policy and its known callers suggest, and the edits that remove a caller again.

import type { Edit, Goal, KeptGoal, MatrixView, PolicyCards, Template } from '../../api'

/** Databricks makes ids of this shape. */
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** The known ids that a caller most likely passes, the most likely first. */
function likely(template: Template, templates: Template[]): string[] {
  const of = (id: string) =>
    templates.find((one) => one.id === id)?.known_ids.map((known) => known.id) ?? []
  const own = of('headgate')
  const ids = template.known_ids.map((known) => known.id)
  if (template.id === 'headgate') return ids
  const others = ids.filter((id) => !own.includes(id))
  const databricks = template.id === 'unity_catalog' || template.id === 'self'
  const fit = others.filter((id) => uuid.test(id) === databricks)
  return fit.length > 0 ? fit : databricks ? others : []
}

/** Whether a statement that allows names a principal. */
function isNamed(policy: PolicyCards | null, principal: string): boolean {
  return !!policy?.statements.some(
    (one) => one.effect === 'Allow' && one.principals.some((other) => other.value === principal),
  )
}

/** The goals to begin with: on for those the policy names, off for those that may be let in. */
export function goalsOf(templates: Template[], policy: PolicyCards | null): KeptGoal[] {
  const catalogs = templates.filter((one) => one.id === 'unity_catalog')
  const named = catalogs.filter((one) => isNamed(policy, one.principal ?? ''))
  const catalog = named[0] ?? catalogs[0]
  return templates
    .filter((one) => one.id !== 'unity_catalog' || one === catalog)
    .flatMap((template) => {
      const { principal } = template
      if (principal === null || template.id === 'custom') return []
      const ids = likely(template, templates)
      const some: (string | null)[] = template.id === 'segment' ? ids : ids.slice(0, 1)
      return (some.length > 0 ? some : [null]).map((externalId): KeptGoal => {
        const on = externalId !== null && (template.required || isNamed(policy, principal))
        const goal = { principal, externalId, sid: template.sid }
        return { template: template.id, label: template.label, goal, on }
      })
    })
}

/** The goals that are switched on. */
export function wanted(goals: KeptGoal[]): Goal[] {
  return goals.filter((one) => one.on).map((one) => one.goal)
}

/** The goals that are switched on and that a matrix does not allow. */
export function missing(goals: KeptGoal[], matrix: MatrixView | null): KeptGoal[] {
  if (!matrix) return []
  return goals.filter((one) => {
    if (!one.on) return false
    const row = matrix.rows.findIndex((row) => row.principal === one.goal.principal)
    const column = matrix.columns.findIndex(
      (column) => column.external_id === one.goal.externalId && !column.any_other,
    )
    const cell = matrix.cells.find((cell) => cell.row === row && cell.column === column)
    return cell?.after !== 'allow'
  })
}

/** The goals without those that began with the draft: what is required, and what was in before it. */
export function held(
  goals: KeptGoal[],
  matrix: MatrixView | null,
  templates: Template[],
): KeptGoal[] {
  const before = (one: KeptGoal) =>
    matrix?.cells.some(
      (cell) =>
        cell.before === 'allow' &&
        matrix.rows[cell.row]?.principal === one.goal.principal &&
        matrix.columns[cell.column]?.external_id === one.goal.externalId,
    )
  const required = (one: KeptGoal) => templates.find((of) => of.id === one.template)?.required
  return goals.map((one) => ({ ...one, on: one.on && !!(required(one) || before(one)) }))
}

/**
 * The edits that take principals out of every statement that allows them, the last statement first. Ids
 * that only they bring go with them, where the statement asks for others too.
 */
export function removal(policy: PolicyCards, goals: KeptGoal[], leave: readonly string[]): Edit[] {
  const leaves = (one: KeptGoal) => leave.includes(one.goal.principal)
  const idsOf = (some: KeptGoal[]) => some.flatMap((one) => one.goal.externalId ?? [])
  const kept = new Set(idsOf(goals.filter((one) => one.on && !leaves(one))))
  const ids = idsOf(goals.filter(leaves)).filter((id) => !kept.has(id))
  const edits: Edit[] = []
  for (const [statement, card] of [...policy.statements.entries()].reverse()) {
    const entries = card.principals.filter((one) => leave.includes(one.value))
    if (card.effect !== 'Allow' || entries.length === 0) continue
    if (entries.length === card.principals.length) {
      edits.push({ op: 'remove_statement', statement })
      continue
    }
    for (const { kind, value } of entries)
      edits.push({ op: 'remove_principal', statement, kind, value })
    for (const test of card.conditions) {
      if (test.key.toLowerCase() !== 'sts:externalid') continue
      const gone = test.values.filter((value) => ids.includes(value))
      if (gone.length === test.values.length) continue
      for (const value of gone) {
        const { operator, key } = test
        edits.push({ op: 'remove_condition_value', statement, operator, key, value })
      }
    }
  }
  return edits
}

/** The goals with one more, on. It takes the place of one of the same caller whose id was not known. */
export function withGoal(goals: KeptGoal[], goal: KeptGoal): KeptGoal[] {
  const { principal, externalId } = goal.goal
  const others = goals.filter(
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
  return [...known, { ...goal, on: true }]
}

/** The goals with a caller on or off. A caller whose id is not known cannot be on. */
export function switched(goals: KeptGoal[], principal: string, on: boolean): KeptGoal[] {
  return goals.map((one) =>
    one.goal.principal === principal && one.goal.externalId !== null ? { ...one, on } : one,
  )
}
