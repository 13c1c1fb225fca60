// A new column that mixes types: the preview reports it, a type is chosen, and the sync uses the choice.

import { join } from 'node:path'
import { expect, pictures, test, track } from './product'

test('the type of a column that mixes types is chosen, and the run keeps it', async ({
  page,
  product,
}) => {
  const lake = join(product.folder, 'lake')
  const bought = Array.from({ length: 60 }, (_, at) =>
    track('Bought', { quantity: at % 20 === 7 ? 'three' : at, price: 1.5, code: at }),
  )
  const events = product.events('in', bought)
  const query = new URLSearchParams({ from: events, source: 'web', table: 'web.bought' })
  await page.goto(`${product.url}#/schemas?${query}`)
  await expect(page.getByText('1 column mixes types; decide before the first run.')).toBeVisible()
  await expect(page.getByRole('option', { name: /New table, 1 column mixed/ })).toBeVisible()
  const because = page.getByText('STRING, because 3 of 60 values are text (three).')
  await expect(because).toBeVisible()
  await expect(page.getByText('The other 57 would fit BIGINT (0).')).toBeVisible()
  await pictures(page, 'schemas-mixed')

  await page.getByRole('button', { name: 'Make it BIGINT' }).click()
  await expect(page.getByText('3 values cannot be a BIGINT.')).toBeVisible()
  await expect(page.getByText(/mixes types/)).toBeHidden()
  await expect(page.getByText('3 values would be set aside').first()).toBeVisible()
  await pictures(page, 'schemas-chosen')

  await page.getByRole('button', { name: 'Undo the choice' }).click()
  await expect(because).toBeVisible()
  await page.getByRole('button', { name: 'Keep STRING' }).click()
  await expect(page.getByText('STRING is chosen. Every value fits it.')).toBeVisible()

  // Any new column has a type to choose, and a fixed one has none.
  await page.getByLabel('Type of quantity').selectOption('BIGINT')
  await expect(page.getByText('3 values cannot be a BIGINT.')).toBeVisible()
  await page.getByLabel('Type of code').selectOption('STRING')
  await expect(page.getByText('STRING is chosen. Every value fits it.')).toBeVisible()
  await expect(page.getByLabel('Type of user_id')).toHaveCount(0)

  await page.getByRole('link', { name: 'Sync this…' }).click()
  await expect(page.getByText('web.bought.quantity becomes a BIGINT.')).toBeVisible()
  await page.getByRole('button', { name: 'Take back the type of web.bought.code' }).click()
  await expect(page.getByText('web.bought.code becomes')).toHaveCount(0)
  await page.getByLabel('Lake').fill(lake)
  await pictures(page, 'sync-new-chosen')
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByText('All 60 events are in the lake.')).toBeVisible()
  await page.goto(`${product.url}#/tables/web.bought?${new URLSearchParams({ lake })}`)
  const row = (name: string) =>
    page.getByRole('row').filter({ has: page.getByText(name, { exact: true }) })
  await expect(row('quantity')).toContainText('BIGINT')
  await expect(row('code')).toContainText('BIGINT')

  // The column is there: another type is refused, in the preview too, with a way on.
  const late = new URLSearchParams({
    from: events,
    source: 'web',
    lake,
    columns: 'web.bought.quantity=STRING',
  })
  await page.goto(`${product.url}#/schemas?${late}`)
  await expect(page.getByText('web.bought.quantity exists already, and is a BIGINT.')).toBeVisible()
  await page.getByRole('button', { name: 'Preview without choices' }).click()
  await expect(page.getByText('No table would get rows')).toBeVisible()
})
