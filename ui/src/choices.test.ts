// Tests of types that are chosen for columns, as text in an address.

import { expect, test } from 'vitest'
import { asQuery, choose, chosenIn, chosenType, parts } from './choices'

test('choices are written to and read from an address', () => {
  const choices = ['web.bought.quantity=BIGINT', 'web.users.seats=DOUBLE']
  expect(chosenIn({ columns: asQuery(choices) ?? '' })).toEqual(choices)
  expect(asQuery([])).toBeNull()
  expect(chosenIn({})).toEqual([])
  expect(parts('web.bought.quantity=BIGINT')).toEqual(['web.bought.quantity', 'BIGINT'])
})

test('a column has one choice, shared by identifies and users', () => {
  let choices = choose([], 'web.bought.quantity', 'BIGINT')
  choices = choose(choices, 'web.bought.quantity', 'DOUBLE')
  expect(choices).toEqual(['web.bought.quantity=DOUBLE'])
  choices = choose(choices, 'web.users.seats', 'BIGINT')
  expect(chosenType(choices, 'web.identifies.seats')).toBeDefined()
  expect(chosenType(choices, 'app.identifies.seats')).toBeUndefined()
  choices = choose(choices, 'web.identifies.seats', 'STRING')
  expect(choices).toEqual(['web.bought.quantity=DOUBLE', 'web.identifies.seats=STRING'])
  expect(choose(choices, 'web.users.seats', null)).toEqual(['web.bought.quantity=DOUBLE'])
})
