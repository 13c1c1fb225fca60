// Every page in every state, in both themes and two sizes: a picture, axe, and a check for clipped or overlapping
// parts.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, pictures, sync, test, track } from './product'

test('first start', async ({ page, product }) => {
  await page.goto(product.url)
  await expect(page.getByRole('button', { name: 'Sync the sample' })).toBeEnabled()
  await pictures(page, 'overview-first')
  await page.getByRole('link', { name: 'Schemas', exact: true }).click()
  await pictures(page, 'schemas-empty')
  await page.getByRole('link', { name: 'Tables', exact: true }).click()
  await expect(page.getByText('No lake yet.')).toBeVisible()
  await pictures(page, 'tables-empty')
  await page.getByRole('link', { name: 'Syncs', exact: true }).click()
  await pictures(page, 'syncs-empty')
})

test('the sample day', async ({ page, product }) => {
  await page.goto(product.url)
  await page.getByRole('button', { name: 'Sync the sample' }).click()
  await expect(page.getByText('Adds up')).toBeVisible()
  await pictures(page, 'run')
  await page.getByRole('tab', { name: /Values set aside/ }).click()
  await page.getByRole('button', { expanded: false }).first().click()
  await expect(page.getByText('Received', { exact: true })).toBeVisible()
  await pictures(page, 'run-aside')

  await page.goto(`${product.url}#/`)
  await expect(page.getByRole('heading', { name: 'What changed' })).toBeVisible()
  await pictures(page, 'overview')
  await page.getByRole('button', { name: 'As a table' }).click()
  await pictures(page, 'overview-table')

  await page.goto(`${product.url}#/tables`)
  await page.getByRole('option', { name: /order_completed/ }).click()
  await expect(page.getByRole('heading', { name: 'shop.order_completed' })).toBeVisible()
  await pictures(page, 'tables-columns')
  for (const [tab, state] of [
    ['First rows', 'rows'],
    ['Versions', 'versions'],
    ['Files', 'files'],
    ['Properties', 'properties'],
  ] as const) {
    await page.getByRole('tab', { name: tab }).click()
    await expect(page.getByRole('tabpanel', { name: tab }).locator('.waiting')).toHaveCount(0)
    await pictures(page, `tables-${state}`)
  }

  await page.goto(`${product.url}#/settings`)
  await expect(page.getByLabel('Batch size')).toHaveValue('128')
  await pictures(page, 'settings')
  await page.getByLabel('Batch size').fill('9000')
  await page.getByLabel('Batch size').blur()
  await expect(page.getByRole('alert')).toContainText('outside 1 to 1024')
  await pictures(page, 'settings-wrong')

  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Go to' }).fill('order')
  await expect(page.getByRole('option', { name: /order_completed/ }).first()).toBeVisible()
  await pictures(page, 'palette')
  await page.keyboard.press('Escape')
  await page.getByRole('heading', { level: 1 }).click()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible()
  await pictures(page, 'keys')
})

test('a run that rejects', async ({ page, product }) => {
  const events = product.events('in', [
    track('Order Completed', { total: 12, user_id: 'x' }),
    '{"type": "Track", "event": "Upper"}',
    '[1, 2, 3]',
    'cut short {"type": "tra',
    '{"type": "track", "event": "Order',
  ])
  await sync(page, product, events, join(product.folder, 'lake'))
  await pictures(page, 'run-partial')
  await page.getByRole('tab', { name: /Rejected lines/ }).click()
  await page.locator('.cell-button').first().click()
  await pictures(page, 'run-rejected')
  await page.goto(`${product.url}#/`)
  await expect(page.getByText('could not be read as events.')).toBeVisible()
  await pictures(page, 'overview-needs')
})

test('a preview with everything in it', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const first = product.events('first', [
    track('Order Completed', { total: 12, coupon: 'AUTUMN' }),
    track('Signed Up', { plan: 'free' }),
  ])
  await sync(page, product, first, lake)
  const second = product.events('second', [
    track('Order Completed', {
      total: 'twelve',
      gift: true,
      campaign: { source: 'mail' },
      user_id: 'x',
    }),
    track('Order Refunded', { amount: 3.5, items: [{ sku: 'a' }] }),
    '{"type": "track", "event": ',
  ])
  const broken = gzipSync(JSON.stringify(track('Lost')).repeat(50)).subarray(0, 60)
  writeFileSync(join(second, 'broken.ndjson.gz'), broken)
  const query = new URLSearchParams({ from: second, lake, source: 'web' })
  await page.goto(`${product.url}#/schemas?${query}`)
  await expect(page.getByText('1 value cannot be a BIGINT.')).toBeVisible()
  await page.getByRole('group').getByText('1 file cannot be read whole').click()
  await expect(page.getByText('broken.ndjson.gz').first()).toBeVisible()
  await pictures(page, 'schemas-damaged')
  await page.getByRole('group').getByText('1 file cannot be read whole').click()
  await pictures(page, 'schemas')
  await page.getByRole('tab', { name: /Sample rows/ }).click()
  await pictures(page, 'schemas-rows')
  await page.getByRole('tab', { name: /Set aside/ }).click()
  await pictures(page, 'schemas-aside')
  await page.getByRole('link', { name: 'Sync this…' }).click()
  await expect(page.getByRole('heading', { name: 'New sync' })).toBeVisible()
  await pictures(page, 'sync-new')
})

test('what went wrong stands where it happened', async ({ page, product }) => {
  const events = product.events('in', [track('Viewed')])
  await page.goto(`${product.url}#/schemas?from=${join(product.folder, 'nowhere')}`)
  await expect(page.getByRole('alert')).toBeVisible()
  await pictures(page, 'schemas-failed')

  await page.goto(
    `${product.url}#/syncs/new?${new URLSearchParams({ from: events, lake: 's3://bucket/lake' })}`,
  )
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByRole('alert')).toContainText('s3')
  await expect(page.getByLabel('Lake')).toHaveAttribute('aria-invalid', 'true')
  await pictures(page, 'sync-refused')

  const lake = join(product.folder, 'lake')
  await sync(page, product, events, lake)
  mkdirSync(join(lake, 'web', 'broken', '_delta_log'), { recursive: true })
  writeFileSync(join(lake, 'web', 'broken', '_delta_log', '00000000000000000000.json'), '{')
  await page.goto(`${product.url}#/tables?lake=${lake}`)
  await page.getByRole('option', { name: /broken/ }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await pictures(page, 'tables-unreadable')
  await page.goto(`${product.url}#/tables?lake=${join(product.folder, 'no-lake')}`)
  await expect(page.getByRole('alert')).toBeVisible()
  await pictures(page, 'tables-failed')
  await page.goto(`${product.url}#/syncs/99-nothing`)
  await expect(page.getByRole('alert')).toContainText('There is no run')
  await pictures(page, 'run-failed-to-read')
})

test('a start that fails says so', async ({ page, product }) => {
  rmSync(join(product.folder, 'data'), { recursive: true, force: true })
  writeFileSync(join(product.folder, 'data'), 'a file where a folder should be')
  await page.goto(product.url)
  await expect(page.getByRole('heading', { name: 'Headgate could not start' })).toBeVisible()
  await expect(page.getByRole('alert')).toContainText('data folder')
  await pictures(page, 'start-failed')
})

test('what is waited for is said', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const run = await sync(page, product, product.events('in', [track('Viewed')]), lake)
  // The core never answers these.
  for (const [command, address, state] of [
    ['overview_show', '', 'overview'],
    ['runs_list', 'syncs', 'syncs'],
    ['runs_show', `syncs/${run}`, 'run'],
    ['tables_list', `tables?lake=${lake}`, 'tables'],
    ['tables_rows', `tables?lake=${lake}&tab=rows`, 'tables-rows'],
    ['schema_preview', `schemas?from=${join(product.folder, 'in')}`, 'schemas'],
    ['settings_show', 'settings', 'settings'],
    ['app_start', '', 'start'],
  ] as const) {
    await page.route(`**/call/${command}`, () => {})
    await page.goto('about:blank')
    await page.goto(`${product.url}#/${address}`)
    await expect(page.locator('.waiting, .narrow').first()).toBeVisible()
    await pictures(page, `${state}-waits`)
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  }
})
