// Which transition of the policy page's model is allowed in which stage. `model.ts` shows the same as a table.
// Pure.

import type { Failure } from '../../api'
import { own } from './requests'

/**
 * Whether it is known if a draft is kept; whether there is one, of a policy that was pasted or of a role
 * that was read; whether AWS has another policy than the one that the draft began from; whether the
 * page was left.
 */
export type Stage = 'loading' | 'empty' | 'pasted' | 'read' | 'drifted' | 'closed'

const open = ['pasted', 'read', 'drifted'] as const satisfies Stage[]
const ofRole = ['read', 'drifted'] as const satisfies Stage[]

export const transitions = {
  load: ['loading', 'empty'],
  openRead: ['empty', ...open],
  openPasted: ['empty', ...open],
  openKept: ['empty', ...open],
  type: open,
  edit: open,
  replace: open,
  letIn: open,
  add: open,
  toggle: open,
  chooseForm: open,
  undo: open,
  redo: open,
  discard: open,
  showTab: open,
  reveal: open,
  keep: open,
  flush: open,
  analyze: open,
  learn: open,
  nameRole: ['pasted'],
  readAgain: ofRole,
  meet: ofRole,
  settle: ['drifted'],
  applied: ofRole,
  close: ['loading', 'empty', ...open],
} as const satisfies Record<string, readonly Stage[]>

export type Transition = keyof typeof transitions

const why: Record<Stage, string> = {
  loading: 'The draft is still being loaded.',
  empty: 'No policy is open.',
  pasted: 'This policy was pasted; no role was read.',
  read: 'AWS has the policy that the draft began from.',
  drifted: 'AWS has another policy than the one that the draft began from.',
  closed: 'The page was left.',
}

/** Why a transition is not allowed in a stage; null when it is. */
export function refusalOf(transition: Transition, stage: Stage): Failure | null {
  const stages: readonly Stage[] = transitions[transition]
  if (stages.includes(stage)) return null
  return { ...own(why[stage], 'Nothing is changed.'), code: 'not_now' }
}
