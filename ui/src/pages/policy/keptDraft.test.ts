// Tests of saved drafts: what is saved, and what is left out when it does not fit into one call.

import { expect, test } from 'vitest'
import type { KeptDraft, KeptStep } from '../../api'
import { historyOf, mostHistory, mostKept, mostSteps, toKeep, withApplied } from './keptDraft'
import { goal, other, role, roleRead, written } from './playedCore'
import { begin, record, undo, type UndoHistory } from './undoHistory'

const access = { profile: null, region: null, mfa_code: null }
const step = (text: string): KeptStep => ({ text, goals: [goal('catalog', 'uc')] })
const keep = (history: UndoHistory<KeptStep>, planned: KeptDraft['planned'] = null): KeptDraft =>
  toKeep({ read: null, role, base: 'base', form: 'guide', access, planned, history })

test('a saved draft has its steps and plan', () => {
  let history = begin(step('a'))
  for (const text of ['b', 'c', 'd']) history = record(history, step(text))
  const planned = { from: 'a', goals: [], after: 'c' }
  const kept = keep(undo(history), planned)
  expect(kept).toMatchObject({ text: 'c', planned, form: 'guide' })
  expect(historyOf(JSON.parse(JSON.stringify(kept)) as KeptDraft)).toEqual({
    past: [step('a'), step('b')],
    now: step('c'),
    future: [step('d')],
    typed: null,
  })
})

test('a draft of a core that kept no steps has none', () => {
  const { past: _past, future: _future, planned: _planned, ...old } = keep(begin(step('a')))
  expect(historyOf(old as KeptDraft)).toEqual(begin(step('a')))
})

test('the newest steps are kept, so many and so large', () => {
  let history = begin(step('0'))
  for (let at = 1; at <= 200; at += 1) history = record(history, step(String(at)))
  const few = keep(history)
  expect(few.past).toHaveLength(mostSteps)
  expect(few.past.at(-1)!.text).toBe('199')

  // Bytes count, not characters.
  history = begin(step('é'.repeat(30_000)))
  for (let at = 1; at <= 20; at += 1) history = record(history, step(`${at}${'é'.repeat(30_000)}`))
  const large = keep(history)
  expect(large.past).toHaveLength(Math.floor(mostHistory / 60_002))
  const bytes = large.past.map((one) => new TextEncoder().encode(one.text).length)
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(mostHistory)
})

test('what exceeds one call is left out: steps, then plan, never the draft', () => {
  // As JSON every character takes six.
  const huge = '\u0001'.repeat(30_000)
  const history = record(record(begin(step(huge)), step(`${huge}1`)), step(`${huge}2`))
  const planned = { from: huge, goals: [], after: huge }
  const size = (kept: KeptDraft) => JSON.stringify(kept).length
  const kept = toKeep({
    read: roleRead(huge),
    role,
    base: huge,
    form: 'guide',
    access,
    planned,
    history,
  })
  expect(size(kept)).toBeLessThan(mostKept)
  expect(kept).toMatchObject({ past: [], text: `${huge}2`, planned })
  const larger = '\u0001'.repeat(50_000)
  const most = toKeep({
    read: roleRead(larger),
    role,
    base: larger,
    form: 'guide',
    access,
    planned: { from: larger, goals: [], after: larger },
    history: begin(step(larger)),
  })
  expect(size(most)).toBeLessThan(mostKept)
  expect(most).toMatchObject({ planned: null, text: larger })
})

test('a change applied while the draft was closed is in it', () => {
  const draft = { ...keep(begin(step('new'))), read: roleRead('old'), base: 'old' }
  const after = withApplied(draft, written('new'))!
  expect(after).toMatchObject({ base: 'new', text: 'new', planned: null, past: [step('new')] })
  expect(after.read!.role.trust_policy).toBe('new')
  expect(withApplied(draft, written('new', other))).toBe(null)
  expect(withApplied({ ...draft, read: null }, written('new'))).toBe(null)
})
