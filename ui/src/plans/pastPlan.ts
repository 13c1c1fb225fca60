// An applied plan, as a history lists it.

export type PastState =
  'running' | 'written' | 'not_needed' | 'not_written' | 'unknown' | 'reads_otherwise'

export interface PastPlan {
  id: string
  at: string
  state: PastState
  /** What it concerned, where several are listed together; empty otherwise. */
  of: string
  /** What became of it, in a few words. */
  what: string
  canRestore: boolean
}
