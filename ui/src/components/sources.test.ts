// Tests of the sources of a lake.

import { expect, test, vi } from 'vitest'
import { isNewHere, sourcesOf } from './sources.svelte'

vi.mock('../api/http', async () => ({ http: (await import('../api/played')).played.host }))

const table = (schema: string) => ({ schema }) as never

test('a lake has the sources of its tables', () => {
  expect(
    sourcesOf({ tables: [table('web'), table('app_10'), table('app_2'), table('web')] }),
  ).toEqual([
    { schema: 'app_2', tables: 1 },
    { schema: 'app_10', tables: 1 },
    { schema: 'web', tables: 2 },
  ])
})

test('a source without tables in a lake is new there', () => {
  const shop = { schema: 'shop', tables: 13 }
  const web = { schema: 'web', tables: 2 }
  expect(isNewHere(['events'], [shop])).toBe('`events` is a new source here; this lake has `shop`.')
  expect(isNewHere(['events', 'events'], [shop, web])).toBe(
    '`events` is a new source here; this lake has `shop` and 1 more source.',
  )
  expect(isNewHere(['a', 'b'], [shop])).toBe('These sources are new here; this lake has `shop`.')
  expect(isNewHere(['events', 'shop'], [shop])).toBe('')
  expect(isNewHere(['events'], [])).toBe('')
  expect(isNewHere([], [shop])).toBe('')
})
