// What needs the user: the worst first, muted until it changes; and what is known and not there any more.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, pictures, sync, test, track } from './product'

test('what needs the user is ranked by harm and muted until it changes', async ({
  page,
  product,
}) => {
  const few = product.events('few', [...Array.from({ length: 9 }, () => track('Viewed')), 'broken'])
  const most = product.events('most', [
    track('Seen'),
    ...Array.from({ length: 200 }, () => 'broken'),
  ])
  await sync(page, product, few, join(product.folder, 'lake'))
  await sync(page, product, most, join(product.folder, 'lake'), 'app')
  // Next to nothing of it landed.
  await expect(page.locator('.detail-head .pill')).toHaveText('Failed')

  await page.goto(`${product.url}#/`)
  const needs = page.getByRole('region', { name: 'Needs you' }).or(page.locator('.b-needs'))
  const rows = needs.first().locator('.rows > li')
  await expect(rows).toHaveCount(2)
  await expect(rows.nth(0)).toContainText('200 lines of app')
  await expect(rows.nth(0)).toContainText('99 %')
  await expect(rows.nth(1)).toContainText('1 line of web')
  await expect(rows.nth(1)).toContainText('10 %')
  await pictures(page, 'overview-ranked')

  await rows.nth(0).getByRole('button', { name: 'Mute' }).click()
  await expect(page.getByText('1 muted until it changes')).toBeVisible()
  await page.reload()
  await page.getByText('1 muted until it changes').click()
  await expect(page.getByRole('button', { name: 'Unmute' })).toBeVisible()
  await pictures(page, 'overview-muted')

  const more = product.events('most', [
    track('Seen'),
    ...Array.from({ length: 201 }, () => 'broken'),
  ])
  await sync(page, product, more, join(product.folder, 'lake'), 'app')
  await page.goto(`${product.url}#/`)
  await expect(rows.nth(0)).toContainText('201 lines of app')
  await expect(page.getByText('muted until')).toHaveCount(0)
})

test('a lake that is gone is marked and forgotten', async ({ page, product }) => {
  const events = product.events('in', [track('Viewed')])
  const [gone, there] = ['gone', 'there'].map((name) => join(product.folder, name)) as [
    string,
    string,
  ]
  await sync(page, product, events, there)
  await sync(page, product, events, gone)
  rmSync(gone, { recursive: true })
  await page.goto(`${product.url}#/tables`)
  await expect(page.getByRole('option', { name: /viewed/ })).toBeVisible()
  const select = page.getByLabel('Lake')
  await expect(select.locator('optgroup')).toHaveCount(2)
  await expect(select.locator('optgroup').nth(1)).toHaveAttribute(
    'label',
    'Their folder is not there',
  )
  await select.selectOption(gone)
  await expect(page.getByRole('alert')).toContainText('There is no folder')
  await pictures(page, 'tables-gone')
  await page.getByRole('button', { name: 'Forget this lake' }).click()
  await expect(page.getByRole('option', { name: /viewed/ })).toBeVisible()
  await expect(select.locator('optgroup')).toHaveCount(1)
})

test('the sample is removed with its lake', async ({ page, product }) => {
  await page.goto(product.url)
  await page.getByRole('button', { name: 'Sync the sample' }).click()
  await expect(page.getByText('Adds up')).toBeVisible()
  await page.goto(`${product.url}#/settings`)
  await page.getByRole('button', { name: 'Remove the sample' }).click()
  await expect(page.getByRole('button', { name: 'Remove the sample' })).toHaveCount(0)
  await page.goto(`${product.url}#/tables`)
  await expect(page.getByText('No lake yet.')).toBeVisible()
})
