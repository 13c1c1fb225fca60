// The draft and what AWS has meanwhile: read again, settled, written.

import { ask, asFailure, type Applied, type RoleRead, type WritePlan } from '../../api'
import { live } from '../../live.svelte'
import { draft } from './draft.svelte'
import { planBeside } from './plans'
import type { Found } from './words'

/** Reads the role again. What AWS has meanwhile is shown; a draft stays until it is settled. */
export async function readAgain(mfaCode: string | null = null): Promise<void> {
  const was = draft.read
  if (!was || draft.reading) return
  draft.reading = true
  try {
    const access = { ...draft.access, mfa_code: mfaCode }
    const read = await ask('role_read', { role: was.role.arn, access })
    draft.readFailure = null
    await meet(read)
  } catch (thrown) {
    draft.readFailure = asFailure(thrown)
  } finally {
    draft.reading = false
  }
}

/** Takes what a role has now, where the draft is of that role. */
export async function meet(read: RoleRead): Promise<void> {
  const was = draft.read
  if (was?.role.arn !== read.role.arn) return
  const text = read.role.trust_policy
  const same = read.role.role_id === was.role.role_id
  if (same && text === draft.base) {
    draft.read = read
    draft.newer = null
    await draft.look()
  } else if (draft.text === draft.base || (same && (await means(text, draft.text)))) {
    const untouched = draft.text === draft.base
    draft.rebase(read)
    draft.step({ text })
    draft.tab = 'draft'
    live.note(
      `AWS has ${untouched ? 'another policy since; it is shown now' : 'the draft’s policy now'}`,
    )
  } else {
    draft.newer = read
    draft.tab = 'base'
  }
  draft.keepSoon()
}

/** Whether two texts are the same policy to AWS. */
async function means(text: string, base: string): Promise<boolean> {
  if (text === base) return true
  return (await ask('policy_look', { text, base, facts: draft.facts([]) })).same
}

/** Which of a plan's two policies a role has. */
export async function compare(plan: WritePlan, { role }: RoleRead): Promise<Found> {
  const text = role.trust_policy
  const same = plan.role_id === null || plan.role_id === role.role_id
  if (same && (await means(text, plan.after))) return { has: 'after', text }
  if (same && (await means(text, plan.before))) return { has: 'before', text }
  return { has: 'other', text }
}

/** Takes what AWS has meanwhile as the base: with the goals planned anew, the draft's text, or neither. */
export async function settle(how: 'rebase' | 'keep' | 'discard'): Promise<void> {
  const { newer, goals } = draft
  if (!newer) return
  const text = newer.role.trust_policy
  if (how === 'rebase') {
    if (!(await planBeside(text, goals, null))) return
    const { planned } = draft
    draft.rebase(newer)
    draft.planned = planned
  } else {
    const held = draft.held()
    draft.rebase(newer)
    if (how === 'discard') draft.step({ text, goals: held })
  }
  draft.tab = draft.text === draft.base ? 'draft' : 'changes'
  await draft.look()
  draft.keepSoon()
}

/** What was applied is what AWS has. */
export function applied({ change, now }: Applied): void {
  const { read } = draft
  if (!read || read.role.arn !== change.role) return
  const role = now ?? { ...read.role, trust_policy: change.after, read_at: change.at }
  draft.rebase({ ...read, role })
  draft.step({ text: role.trust_policy })
  draft.tab = 'draft'
  draft.keep()
}
