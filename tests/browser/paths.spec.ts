// Which paths the page may use: a typed path is confirmed once, and only when it is sent.

import { join } from 'node:path'
import { expect, pictures, sync, test, track } from './product'

test('typing asks nothing; what is sent is asked about once', async ({ page, product }) => {
  const events = product.events('in', [track('Viewed')])
  await page.goto(`${product.url}#/schemas`)
  const path = page.getByLabel('Path of the events')
  await path.pressSequentially(events)
  await page.getByRole('link', { name: 'Syncs', exact: true }).click()
  await page.goto(`${product.url}#/syncs/new`)
  await page.getByLabel('Events').pressSequentially(events)
  await page.getByLabel('Lake').pressSequentially(join(product.folder, 'lake'))
  await page.getByLabel('Source name').pressSequentially('web')
  expect(await product.asked()).toEqual([])

  await page.goto(`${product.url}#/schemas`)
  await path.fill(events)
  await path.press('Enter')
  await expect(page.getByText('The one event would land')).toBeVisible()
  expect(await product.asked()).toEqual([expect.stringContaining(events)])
  await page.getByRole('button', { name: 'Read again' }).click()
  await page.getByLabel('Source').fill('shop')
  await page.getByLabel('Source').press('Enter')
  await expect(
    page
      .getByRole('heading', { name: 'shop.tracks' })
      .or(page.getByRole('heading', { name: 'shop.viewed' })),
  ).toBeVisible()
  expect(await product.asked()).toHaveLength(1)
})

test('a path that the user does not allow is refused where it stands', async ({
  page,
  product,
}) => {
  const events = product.events('in', [track('Viewed')])
  const lake = join(product.folder, 'lake')
  await product.play({ confirm: false })
  await page.goto(`${product.url}#/schemas`)
  await page.getByLabel('Path of the events').fill(events)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('path_not_allowed')
  await pictures(page, 'schemas-not-allowed')
  expect(await product.asked()).toHaveLength(1)

  await page.goto(`${product.url}#/tables?lake=${lake}`)
  await expect(page.getByRole('alert')).toContainText('path_not_allowed')
  await page.goto(`${product.url}#/syncs/new?${new URLSearchParams({ from: events, lake })}`)
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByLabel('Events')).toHaveAttribute('aria-invalid', 'true')
  await expect(page.getByRole('alert')).toContainText('was not allowed')
  await pictures(page, 'sync-not-allowed')

  await product.play({ confirm: true })
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByText('Adds up')).toBeVisible()
})

test('what was chosen, dropped or is known asks nothing', async ({ page, product }) => {
  const events = product.events('in', [track('Viewed')])
  const more = product.events('more', [track('Viewed')])
  const lake = join(product.folder, 'lake')
  await page.goto(`${product.url}#/schemas`)
  await product.play({ choose: events })
  await page.getByRole('button', { name: 'Choose a folder…' }).click()
  await expect(page.getByText('The one event would land')).toBeVisible()
  await product.play({ dropped: [more] })
  await expect(page.locator('.drop strong')).toHaveText('more')
  await expect(page.getByText('The one event would land')).toBeVisible()
  await page.getByRole('link', { name: 'Sync this…' }).click()
  await product.play({ choose: lake })
  await page.getByRole('button', { name: 'Choose a folder…' }).nth(1).click()
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByText('Adds up')).toBeVisible()
  await page.goto(`${product.url}#/tables?lake=${lake}&tab=rows`)
  await expect(page.getByRole('grid')).toBeVisible()
  expect(await product.asked()).toEqual([])

  // A run's source and its lake are known from then on, in a page that is opened anew too.
  await page.reload()
  await sync(page, product, more, lake)
  expect(await product.asked()).toEqual([])
})
