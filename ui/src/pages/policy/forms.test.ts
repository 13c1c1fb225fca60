// Tests of the form of a policy.

import { expect, test } from 'vitest'
import type { PolicyCards, StatementCard } from '../../api'
import { formGiving, formOf, leaving } from './forms'
import { goal } from './playedCore'
import type { PlanPreview } from './requests'

const self = 'arn:aws:iam::1:role/self'

function policy(...statements: [string, ('Allow' | 'Deny')?][]): PolicyCards {
  return {
    version: null,
    statements: statements.map(([who, effect = 'Allow']) => ({
      effect,
      principals: who.split(' ').map((value) => ({ kind: 'AWS', value })),
      conditions: [],
    })) as unknown as StatementCard[],
  }
}

const all = [
  goal('catalog', 'uc'),
  goal(self, 'uc'),
  goal('segment', 'ws'),
  goal('etl', 'e', false),
]

test.each([
  ['a statement each', policy(['catalog'], ['segment']), 'separate'],
  ['a statement each, the role beside one', policy([`catalog ${self}`], ['segment']), 'separate'],
  ['two for one caller', policy(['catalog'], ['catalog'], ['segment']), 'separate'],
  ['one for all', policy([`catalog segment ${self}`]), 'guide'],
  ['one for all, and others apart', policy(['catalog segment'], ['stranger']), 'guide'],
  ['one caller with a stranger', policy(['catalog stranger']), 'guide'],
  ['one for all, and one more for one', policy(['catalog segment'], ['segment']), 'custom'],
  ['one of two with a stranger', policy(['catalog stranger'], ['segment']), 'custom'],
  ['one caller alone', policy(['catalog'], ['stranger']), null],
  ['nobody who is asked for', policy(['stranger other']), null],
  ['a caller that is off', policy(['catalog'], ['etl']), null],
  ['a Deny is no way in', policy(['catalog'], ['catalog segment', 'Deny']), null],
  ['no policy', null, null],
])('the form of %s', (_, policy, form) => {
  expect(formOf(policy, all, self)).toBe(form)
})

test.each([
  [policy([`catalog segment ${self}`]), 'separate', ['segment']],
  [policy(['catalog'], ['segment']), 'guide', ['segment']],
  // With somebody who stays, nobody of ours has to.
  [policy(['catalog stranger'], ['segment']), 'separate', ['catalog']],
  [policy(['catalog segment stranger']), 'separate', ['catalog', 'segment']],
  [policy(['catalog'], ['segment']), 'separate', []],
  [policy(['catalog']), 'guide', []],
] as const)('of %j, in the form %s, %j are planned again', (policy, form, who) => {
  expect(leaving(policy, all, self, form)).toEqual(who)
})

test('the form of a text is the one whose plan gives it', () => {
  const of = (after: string | null): PlanPreview => ({ opens: 0, closes: 0, refused: null, after })
  const previews = { separate: of('a'), guide: of('b') }
  expect(formGiving(previews, 'a')).toBe('separate')
  expect(formGiving(previews, 'b')).toBe('guide')
  expect(formGiving(previews, 'c')).toBe(null)
  expect(formGiving({ separate: of('a'), guide: of('a') }, 'a')).toBe(null)
  expect(formGiving({ separate: of(null), guide: of('b') }, 'a')).toBe(null)
})
