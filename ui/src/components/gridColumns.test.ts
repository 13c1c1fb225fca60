// Tests of the columns of a grid: order, search and positions.

import { expect, test } from 'vitest'
import { between, drawnColumns } from './gridColumns'

const column = (name: string, type = 'STRING') => ({ name, type }) as never
const columns = [
  column('id'),
  column('anonymous_id'),
  column('received_at', 'TIMESTAMP'),
  column('context_ip'),
  column('order_id'),
  column('uuid_ts', 'TIMESTAMP'),
  column('total', 'DOUBLE'),
]
const names = (words = '') => drawnColumns(columns, words).map((one) => one.name)

test('the id comes first, then what is the event’s own', () => {
  expect(names()).toEqual([
    'id',
    'order_id',
    'total',
    'anonymous_id',
    'received_at',
    'context_ip',
    'uuid_ts',
  ])
  expect(drawnColumns(columns).map((one) => one.at)).toEqual([0, 4, 6, 1, 2, 3, 5])
  // A table that Headgate did not write stays as it is.
  expect(drawnColumns([column('b'), column('a')]).map((one) => one.name)).toEqual(['b', 'a'])
})

test('a search leaves the id and what has the words', () => {
  expect(names(' Order ')).toEqual(['id', 'order_id'])
  expect(names('nothing')).toEqual(['id'])
  expect(drawnColumns([column('a')], 'b')).toEqual([])
})

test('columns are positioned one after another', () => {
  const drawn = drawnColumns(columns)
  expect(drawn.map((one) => one.left)).toEqual([0, 168, 336, 504, 672, 888, 1056])
  expect(between(drawn, 0, 169)).toEqual([0, 2])
  expect(between(drawn, 168, 168)).toEqual([1, 1])
  expect(between(drawn, 700, 900)).toEqual([4, 6])
  expect(between(drawn, 5_000, 6_000)).toEqual([7, 7])
  expect(between([], 0, 100)).toEqual([0, 0])
})
