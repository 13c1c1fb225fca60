// Answers and errors are shown where they were requested, and only there.

import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { databricks, paste, role } from './policies'
import { expect, pictures, sync, test, track } from './product'

const failure = {
  code: 'no_clipboard',
  message: 'There is no clipboard.',
  hint: null,
  field: null,
  retryable: false,
  trace: null,
}

/** Has a command fail. */
async function fails(page: Page, command: string): Promise<void> {
  await page.route(`**/call/${command}`, (route) =>
    route.fulfill({ body: `${JSON.stringify({ failure })}\n` }),
  )
}

test('the error of one lake is not shown for the next', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  await sync(page, product, product.events('in', [track('Viewed')]), lake)
  await page.goto(`${product.url}#/tables?lake=${join(product.folder, 'no-lake')}`)
  await expect(page.getByRole('alert')).toBeVisible()
  let go = () => {}
  const held = new Promise<void>((done) => (go = done))
  await page.route('**/call/tables_list', async (route) => {
    await held
    await route.continue()
  })
  await page.getByLabel('Lake').selectOption(lake)
  await expect(page.getByText('Reading the tables', { exact: true })).toBeVisible()
  await expect(page.getByRole('alert')).toHaveCount(0)
  go()
  await expect(
    page
      .getByRole('heading', { name: 'web.tracks' })
      .or(page.getByRole('heading', { name: 'web.viewed' })),
  ).toBeVisible()
})

test('what cannot be copied is said beside its button', async ({ page, product }) => {
  await fails(page, 'host_copy')
  const lake = join(product.folder, 'lake')
  await sync(page, product, product.events('in', [track('Viewed')]), lake)
  await page.getByRole('button', { name: 'Copy command' }).click()
  await expect(page.getByRole('alert')).toHaveText('Not copied. There is no clipboard.')
  await expect(page.locator('.toast')).toHaveCount(0)
  await pictures(page, 'run-not-copied')
  await page.goto(`${product.url}#/tables?lake=${lake}&tab=rows`)
  await page.getByRole('grid').focus()
  await page.keyboard.press('c')
  await expect(page.locator('.grid-foot').getByRole('alert')).toContainText('Not copied')
  await expect(page.locator('.toast')).toHaveCount(0)
  await pictures(page, 'tables-rows-not-copied')
  await page.unroute('**/call/host_copy')
  // A narrow window shows one pane at a time, and has taken the focus.
  await page.getByRole('grid').focus()
  await page.keyboard.press('c')
  await expect(page.locator('.toast.done')).toHaveText('Value copied')
  await expect(page.getByRole('alert')).toHaveCount(0)

  await fails(page, 'host_copy')
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Copy', exact: true }).click()
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Not copied')
  await pictures(page, 'policy-export-not-copied')
})

test('a draft that is not kept says so on its page', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await fails(page, 'policy_draft_save')
  await paste(page, databricks(), role)
  await expect(page.getByText('The draft is not kept')).toBeVisible()
  await expect(page.locator('.toast')).toHaveCount(0)
})

test('a run that begins late does not take the user along', async ({ page, product }) => {
  const events = product.events('in', [track('Viewed')])
  let go = () => {}
  const held = new Promise<void>((done) => (go = done))
  await page.route('**/call/sync_start', async (route) => {
    await held
    await route.continue()
  })
  const query = new URLSearchParams({ from: events, lake: join(product.folder, 'lake') })
  await page.goto(`${product.url}#/syncs/new?${query}`)
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByText('If your desktop asks about a path, answer there.')).toBeVisible()
  await pictures(page, 'sync-asks')
  await page.getByRole('link', { name: /^Settings/ }).click()
  await expect(page.getByLabel('Batch size')).toBeVisible()
  const answered = page.waitForResponse('**/call/sync_start')
  go()
  await (await answered).finished()
  await expect(page.locator('.rail .syncing')).toHaveCount(0)
  await expect(page.getByLabel('Batch size')).toBeVisible()
  expect(new URL(page.url()).hash).toBe('#/settings')
})

test('a toast has a tick for what was done, and none for what is only worth knowing', async ({
  page,
  product,
}) => {
  await page.goto(`${product.url}#/nonsense`)
  await expect(page.locator('.toast')).toContainText('There is no page')
  await expect(page.locator('.toast')).not.toHaveClass(/done/)
  await page.goto(`${product.url}#/settings`)
  await page.getByLabel('Batch size').fill('64')
  await page.getByLabel('Batch size').blur()
  await expect(page.locator('.toast.done')).toHaveText('Saved')
})
