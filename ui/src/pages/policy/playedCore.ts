// A simulated core for tests of the model: small policies, plans in both forms, a saved draft, and a role that is
// read. An answer can be held back.

import type {
  Applied,
  Decision,
  DraftEntry,
  Edit,
  Failure,
  KeptDraft,
  KeptGoal,
  PatchPlan,
  PolicyView,
  RoleRead,
  StatementCard,
  Template,
} from '../../api'
import { failure, type Name } from '../../api/host'
import { roleOf } from './keptDraft'
import type { Ask } from './requests'

/** Who may come with which ids: a statement in one line, such as `catalog,segment uc,ws`. */
interface Line {
  who: string[]
  ids: string[]
}

export const role = 'arn:aws:iam::123456789012:role/lake'
export const other = 'arn:aws:iam::123456789012:role/other'

function read(text: string): Line[] | null {
  const lines = text.split('\n').map((line) => /^([\w,:/-]+) ([\w,]+)$/.exec(line))
  if (!lines.every((found) => found !== null)) return null
  return lines.map((found) => ({ who: found[1]!.split(','), ids: found[2]!.split(',') }))
}

const write = (lines: Line[]) =>
  lines.map(({ who, ids }) => `${who.join(',')} ${ids.join(',')}`).join('\n')

const allows = (lines: Line[], who: string, id: string | null) =>
  lines.some((line) => line.who.includes(who) && id !== null && line.ids.includes(id))

const range = { start: 0, end: 1 }

function card({ who, ids }: Line): StatementCard {
  const chip = { kind: 'AWS', label: null, means: '', dead: false, range } as const
  const test = { operator: 'StringEquals', key: 'sts:ExternalId', values: ids, range, line: 1 }
  return {
    sid: null,
    effect: 'Allow',
    principals: who.map((value) => ({ ...chip, value })),
    not_action: false,
    actions: ['sts:AssumeRole'],
    conditions: [test],
    range,
    line: 1,
  }
}

function view(text: string, base: string | null): PolicyView {
  const [now, was] = [read(text), read(base ?? '')]
  const decision = (lines: Line[] | null, who: string, id: string): Decision =>
    lines && allows(lines, who, id) ? 'allow' : 'implicit_deny'
  const all = [...(now ?? []), ...(was ?? [])]
  const who = [...new Set(all.flatMap((line) => line.who))]
  const ids = [...new Set(all.flatMap((line) => line.ids))]
  const wrong = { code: 'not_json', message: 'No policy.', range, line: 1, column: 1 } as const
  const cells = who.flatMap((name, row) =>
    ids.map((id, column) => ({
      row,
      column,
      before: was && decision(was, name, id),
      after: decision(now, name, id),
      statements: [] as number[],
    })),
  )
  return {
    problems: now ? [] : [wrong],
    policy: now && { version: null, statements: now.map(card) },
    matrix: now && {
      rows: who.map((principal) => ({ principal, kind: 'goal', label: principal, added: false })),
      columns: ids.map((id) => ({ external_id: id, any_other: false, like: null, label: id })),
      cells,
      opens: 0,
      closes: 0,
      left_out: 0,
    },
    findings: [],
    mended: [],
    size: { before: 0, after: 0, quota: 2048 },
    lines: { added: 0, removed: 0 },
    same: text === base,
  }
}

function plan(text: string, goals: KeptGoal['goal'][], form: string): PatchPlan {
  const lines = read(text)
  if (!lines) throw failure('policy_invalid', 'No policy.', '')
  const missing = goals.filter((goal) => !allows(lines, goal.principal, goal.externalId))
  const nothing = { operations: [], matrix: [], size: { before: 0, after: 0, quota: 2048 } }
  if (missing.some((goal) => goal.principal === 'refused')) {
    const refused = { code: 'deny_blocks_goal', message: 'A Deny is in the way.' } as const
    return { ...nothing, satisfied: false, refused, after: text }
  }
  const after = lines.map((line) => ({ who: [...line.who], ids: [...line.ids] }))
  for (const { principal, externalId } of missing) {
    const id = externalId ?? ''
    const [first] = after
    if (form === 'guide' && first) {
      if (!first.who.includes(principal)) first.who.push(principal)
      if (!first.ids.includes(id)) first.ids.push(id)
    } else after.push({ who: [principal], ids: [id] })
  }
  const satisfied = missing.length === 0
  return { ...nothing, satisfied, refused: null, after: write(after) }
}

function edited(text: string, edits: Edit[]): string {
  const lines = read(text)
  if (!lines) throw failure('edit_impossible', 'That is not there.', '')
  for (const edit of edits) {
    const line = 'statement' in edit ? lines[edit.statement] : undefined
    if (!line) throw failure('edit_impossible', 'That is not there.', '')
    if (edit.op === 'remove_statement') {
      if (lines.length === 1) throw failure('edit_impossible', 'It is the last statement.', '')
      lines.splice(edit.statement, 1)
    } else if (edit.op === 'remove_principal')
      line.who = line.who.filter((one) => one !== edit.value)
    else if (edit.op === 'remove_condition_value')
      line.ids = line.ids.filter((one) => one !== edit.value)
    else if (edit.op === 'add_condition_value') line.ids.push(edit.value)
  }
  return write(lines)
}

function template(id: string, principal: string | null, ids: string[]): Template {
  const known_ids = ids.map((one) => ({ id: one, from: 'in this policy' }))
  return { id, label: id, principal, known_ids, where_id: '', required: false, sid: null }
}

/** A goal that is switched on, or off. */
export function goal(principal: string, externalId: string | null, on = true): KeptGoal {
  return { template: 'custom', label: principal, goal: { principal, externalId, sid: null }, on }
}

/** A role as AWS has it. */
export function roleRead(text: string, arn = role, id = 'AROA1'): RoleRead {
  return {
    role: {
      arn,
      name: 'lake',
      path: '/',
      role_id: id,
      trust_policy: text,
      tags: {},
      max_session_seconds: 3600,
      description: null,
      created: '2026-01-01T00:00:00Z',
      read_at: '2026-01-01T00:00:00Z',
      ms: 1,
    },
    caller: { account: '123456789012', arn: 'arn:aws:sts::1:user/me', user_id: 'A', role: null },
    endpoints: [],
    quota: null,
    self_assume_allowed: null,
    existing: {},
    protected: null,
    evidence: { call: 'iam:GetRole', at: '2026-01-01T00:00:00Z', ms: 1 },
  }
}

/** What becomes of a plan that was written. */
export function written(text: string, arn = role): Applied {
  const { role: now } = roleRead(text, arn)
  const change = { role: arn, after: text, at: '2026-01-02T00:00:00Z', state: 'done' }
  return { v: 1, outcome: 'written', change, now, error: null, journal: null } as unknown as Applied
}

export class PlayedCore {
  /** The drafts that are kept, by their roles, the one saved last at the end. */
  drafts = new Map<string, KeptDraft>()
  /** What a role has when it is read. */
  aws = 'catalog uc'
  awsId = 'AROA1'
  /** Commands that were called, in order. */
  asked: string[] = []
  /** Commands that fail. */
  fails = new Map<string, Failure>()
  #held = new Map<string, (() => void)[]>()

  readonly ask: Ask = async (name, request) => {
    this.asked.push(name)
    const answer = this.#answer(name, structuredClone(request))
    // Nobody may be listening yet.
    answer.catch(() => {})
    const held = this.#held.get(name)
    if (held) await new Promise<void>((go) => held.push(go))
    const failed = this.fails.get(name)
    if (failed) throw failed
    return (await answer) as never
  }

  /** The draft that was saved last. */
  get kept(): KeptDraft | null {
    return [...this.drafts.values()].at(-1) ?? null
  }

  #keep(draft: KeptDraft): void {
    this.drafts.delete(roleOf(draft))
    this.drafts.set(roleOf(draft), draft)
  }

  /** Holds the answers to a command back, until they are let go of one by one. */
  hold(name: Name): {
    next: (at?: number) => Promise<void>
    end: () => Promise<void>
    count: number
  } {
    const waiting: (() => void)[] = []
    this.#held.set(name, waiting)
    const settle = () => new Promise<void>((done) => setTimeout(done))
    return {
      get count() {
        return waiting.length
      },
      next: async (at = 0) => {
        waiting.splice(at, 1)[0]?.()
        await settle()
      },
      end: async () => {
        this.#held.delete(name)
        while (waiting.length > 0) waiting.shift()!()
        await settle()
      },
    }
  }

  async #answer(name: Name, request: unknown): Promise<unknown> {
    const of = request as Record<string, never>
    switch (name) {
      case 'policy_analyze':
        return view(of.text!, of.base!)
      case 'policy_plan':
        return plan(of.text!, (of.goals as unknown as { allow: [] }).allow, of.form!)
      case 'policy_edit':
        return { text: edited(of.text!, of.edits!) }
      case 'policy_templates':
        return {
          templates: [
            template('unity_catalog', 'catalog', ['uc']),
            template('segment', 'segment', []),
          ],
        }
      case 'policy_drafts': {
        const entry = (role: string): DraftEntry => ({ role, at: '2026-01-01T00:00:00Z' })
        return { drafts: [...this.drafts.keys()].toReversed().map(entry) }
      }
      case 'policy_draft': {
        const kept = of.role === undefined ? this.kept : this.drafts.get(of.role)
        return { draft: structuredClone(kept ?? null) }
      }
      case 'policy_draft_save':
        if (!this.fails.has(name)) this.#keep(of.draft!)
        return {}
      case 'policy_draft_discard':
        if (!this.fails.has(name)) this.drafts.delete(of.role!)
        return {}
      case 'role_read':
        return roleRead(this.aws, of.role, this.awsId)
      default:
        throw failure('unknown_command', name, '')
    }
  }
}
