// The page follows the core: changes by other processes appear without a reload, a running sync is shown wherever
// the page is opened, a second sync is queued, and nothing polls.

import { join } from 'node:path'
import type { Page } from '@playwright/test'
import {
  expect,
  pictures,
  sync,
  syncInTerminal,
  tamper,
  test,
  track,
  type Product,
} from './product'

/** Counts the calls of the page by command. */
function counted(page: Page): (command?: string) => number {
  const asked: string[] = []
  page.on('request', (request) => {
    const [, command] = request.url().match(/\/call\/(\w+)$/) ?? []
    if (command) asked.push(command)
  })
  return (command) => asked.filter((one) => !command || one === command).length
}

/** Enough for a sync of a few seconds, and for one that never ends before a test has stopped it. */
const SECONDS = 300_000
const STOPPED = 900_000

/** Events of a sync that takes a while, in small batches. */
async function many(page: Page, product: Product, name: string, count: number): Promise<string> {
  await page.goto(`${product.url}#/settings`)
  await page.getByLabel('Batch size').fill('1')
  await page.getByLabel('Batch size').blur()
  await expect(page.getByLabel('Batch size')).toHaveValue('1')
  const lines = Array.from({ length: count }, () =>
    track('Viewed', { path: '/a/long/enough/path', depth: 3, open: true }),
  )
  return product.events(name, lines)
}

async function starts(page: Page, product: Product, from: string, source: string): Promise<void> {
  const query = new URLSearchParams({ from, lake: join(product.folder, 'lake'), source })
  await page.goto(`${product.url}#/syncs/new?${query}`)
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
}

test('a sync is followed by a page that is opened later, to its end', async ({
  page,
  context,
  product,
}) => {
  test.setTimeout(120_000)
  const events = await many(page, product, 'in', STOPPED)
  await starts(page, product, events, 'web')
  await expect(page.getByRole('progressbar', { name: 'Progress of the sync' })).toBeVisible()
  const other = await context.newPage()
  await other.goto(product.url)
  await expect(other.locator('.rail .syncing')).toContainText('Syncing web')
  await expect(other.locator('.lead')).toContainText('A sync is running.')
  await other.locator('.rail .syncing').click()
  await expect(other.getByRole('progressbar', { name: 'Progress of the sync' })).toBeVisible()
  await other.getByRole('button', { name: 'Stop' }).click()
  for (const one of [page, other]) {
    await expect(one.getByText(/Stopped\./)).toBeVisible({ timeout: 60_000 })
    await expect(one.locator('.rail .syncing')).toHaveCount(0)
  }
})

test('a second sync waits for the first, says so, and can be taken out of the queue', async ({
  page,
  product,
}) => {
  test.setTimeout(120_000)
  const first = await many(page, product, 'first', STOPPED)
  const second = product.events('second', [track('Viewed')])
  await starts(page, product, first, 'web')
  await expect(page.getByRole('progressbar', { name: 'Progress of the sync' })).toBeVisible()
  await starts(page, product, second, 'shop')
  const form = page.locator('.form')
  await expect(form.getByText('Waiting for web to finish')).toBeVisible()
  await expect(page.getByRole('list', { name: 'Waiting for their turn' })).toContainText('shop')
  await expect(page.getByRole('button', { name: 'Run Ctrl Enter' })).toBeDisabled()
  await pictures(page, 'sync-queued')
  await page.getByRole('link', { name: /^Settings/ }).click()
  await expect(page.locator('.rail')).toContainText('1 sync waiting')
  await page.getByRole('link', { name: 'Syncs', exact: true }).click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByRole('list', { name: 'Waiting for their turn' })).toHaveCount(0)
  await expect(page.getByRole('alert')).toHaveCount(0)
  await page.locator('.rail .syncing').click()
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect(page.getByText(/Stopped\./)).toBeVisible({ timeout: 60_000 })
})

test('a sync of another page waits for the same lake, and both pages say so', async ({
  page,
  context,
  product,
}) => {
  test.setTimeout(120_000)
  const first = await many(page, product, 'first', STOPPED)
  const second = product.events('second', [track('Viewed')])
  await starts(page, product, first, 'web')
  await expect(page.getByRole('progressbar', { name: 'Progress of the sync' })).toBeVisible()
  const other = await context.newPage()
  await starts(other, product, second, 'shop')
  await expect(other.locator('.form').getByText('Waiting for web to finish')).toBeVisible()
  await expect(page.getByRole('list', { name: 'Waiting for their turn' })).toContainText('shop')
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect(other.getByText('The one event is in the lake.')).toBeVisible({ timeout: 60_000 })
  await expect(page.getByRole('list', { name: 'Waiting for their turn' })).toHaveCount(0)
})

test('a sync waits for the run of another process, and begins when that has ended', async ({
  page,
  product,
}) => {
  test.setTimeout(120_000)
  const terminal = syncInTerminal(product, join(product.folder, 'lake'), 'web')
  await expect
    .poll(async () => {
      await page.goto('about:blank')
      await page.goto(product.url)
      return page.locator('.rail').textContent()
    })
    .toContain('Syncing web')
  await starts(page, product, product.events('second', [track('Viewed')]), 'shop')
  await expect(page.locator('.form').getByText('Waiting for web to finish')).toBeVisible()
  expect(await terminal.end()).toBe(0)
  await expect(page.getByText('The one event is in the lake.')).toBeVisible({ timeout: 60_000 })
  await expect(page.locator('.run-name')).toContainText('shop')
})

test('a sync that waited begins by itself', async ({ page, product }) => {
  test.setTimeout(120_000)
  const first = await many(page, product, 'first', SECONDS)
  const second = product.events('second', [track('Viewed')])
  await starts(page, product, first, 'web')
  await expect(page.getByRole('progressbar', { name: 'Progress of the sync' })).toBeVisible()
  await starts(page, product, second, 'shop')
  await expect(page.locator('.form').getByText('Waiting for web to finish')).toBeVisible()
  await expect(page.getByText('The one event is in the lake.')).toBeVisible({ timeout: 90_000 })
  await expect(page.locator('.run-name')).toContainText('shop')
})

test('what did not begin after its form was left is said on Syncs', async ({ page, product }) => {
  await sync(page, product, product.events('in', [track('Viewed')]), join(product.folder, 'lake'))
  let go = () => {}
  const held = new Promise<void>((done) => (go = done))
  const failure = {
    code: 'lake_copied',
    message: 'This lake is a copy.',
    hint: 'Make it one of its own.',
    field: null,
    retryable: false,
    trace: null,
  }
  await page.route('**/call/sync_start', async (route) => {
    await held
    await route.fulfill({ body: `${JSON.stringify({ failure })}\n` })
  })
  await starts(page, product, '/in/events', 'shop')
  await page.getByRole('link', { name: /^Settings/ }).click()
  await expect(page.getByLabel('Batch size')).toBeVisible()
  go()
  await page.getByRole('link', { name: 'Syncs', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText('The sync of shop did not begin.')
  await expect(page.getByRole('alert')).toContainText('This lake is a copy.')
  await expect(page.locator('.toast')).toHaveCount(0)
  await pictures(page, 'syncs-refused')
  await page.getByRole('link', { name: 'Open its form' }).click()
  await expect(page.getByLabel('Source name')).toHaveValue('shop')
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('what another window does appears by itself', async ({ page, context, product }) => {
  test.setTimeout(90_000)
  const lake = join(product.folder, 'lake')
  const id = await sync(page, product, product.events('one', [track('Viewed')]), lake)
  const other = await context.newPage()
  await other.goto(product.url)
  await expect(other.locator('.b-runs')).toContainText('One so far')
  const tables = await context.newPage()
  await tables.goto(`${product.url}#/tables?${new URLSearchParams({ lake })}`)
  await expect(tables.locator('.lead')).toContainText('2 tables')
  await sync(page, product, product.events('two', [track('Signed Up')]), lake)
  await expect(other.locator('.b-runs')).toContainText('The last 2')
  await expect(tables.locator('.lead')).toContainText('3 tables')
  // Who looks at a run stays there when a newer one begins.
  await other.goto(`${product.url}#/syncs`)
  const shown = await other.locator('.run-name').textContent()
  expect(shown).not.toContain(id)
  await sync(page, product, product.events('three', [track('Viewed')]), lake)
  await expect(other.getByRole('listbox').getByRole('option')).toHaveCount(3)
  await expect(other.locator('.run-name')).toHaveText(shown!)
})

test('nothing is read by the clock, nor when the window is looked at again', async ({
  page,
  product,
}) => {
  await sync(page, product, product.events('in', [track('Viewed')]), join(product.folder, 'lake'))
  await page.clock.install()
  const asked = counted(page)
  for (const address of ['', 'syncs', 'tables', 'schemas', 'policy', 'settings']) {
    await page.goto('about:blank')
    await page.goto(`${product.url}#/${address}`)
    await expect(page.locator('main h1')).toBeVisible()
    await expect(page.locator('.waiting')).toHaveCount(0)
    await page.waitForLoadState()
    await page.clock.runFor(2_000)
    const before = asked()
    await page.clock.runFor(600_000)
    await page.evaluate(() => dispatchEvent(new Event('focus')))
    await page.clock.runFor(60_000)
    expect(asked(), address).toBe(before)
  }
})

test('a stream that breaks is opened again, and what was missed is read', async ({
  page,
  product,
}) => {
  await sync(page, product, product.events('in', [track('Viewed')]), join(product.folder, 'lake'))
  let begins = 0
  await page.route('**/call/events_follow', async (route) => {
    begins += 1
    if (begins > 1) return route.continue()
    await new Promise((done) => setTimeout(done, 1_000))
    await route.fulfill({ body: '' })
  })
  const asked = counted(page)
  await page.goto('about:blank')
  await page.goto(`${product.url}#/syncs`)
  await expect(page.locator('.run-name')).toBeVisible()
  expect(asked('runs_list')).toBe(1)
  await expect.poll(() => asked('events_follow')).toBe(2)
  await expect.poll(() => asked('runs_list')).toBe(2)
  await expect.poll(() => asked('runs_show')).toBe(2)
})

test('a stream that cannot be opened is said, until it can', async ({ page, product }) => {
  let isGone = true
  await page.route('**/call/events_follow', (route) =>
    isGone ? route.fulfill({ body: '' }) : route.continue(),
  )
  await page.goto(product.url)
  await expect(page.getByText('Reconnecting…')).toBeVisible()
  isGone = false
  await expect(page.getByText('Reconnecting…')).toHaveCount(0, { timeout: 30_000 })
})

/** Has the list of runs be so long, each page of it read on its own. */
async function long(page: Page, all: number): Promise<void> {
  await page.route('**/call/runs_list', async (route) => {
    const { request } = JSON.parse(route.request().postData()!) as {
      request: { before: string | null; limit: number | null }
    }
    const answer = await (
      await route.fetch({ postData: first(route.request().postData()!) })
    ).text()
    const [real] = (JSON.parse(answer) as { answer: { runs: object[] } }).answer.runs
    const from = request.before === null ? all : Number(request.before.split('-')[0]) - 1
    const runs = Array.from({ length: Math.min(request.limit ?? 100, from) }, (_, at) => ({
      ...real,
      run: `${from - at}-afe45`,
      source: from - at === 7 ? 'oldest' : 'web',
    }))
    const next = from > runs.length ? runs.at(-1)!.run : null
    await route.fulfill({ body: `${JSON.stringify({ answer: { runs, next } })}\n` })
  })
}

function first(body: string): string {
  const asked = JSON.parse(body) as { call: string }
  return JSON.stringify({ ...asked, request: { before: null, limit: 1 } })
}

test('runs are read a page at a time, as the list scrolls', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const id = await sync(page, product, product.events('in', [track('Viewed')]), lake)
  await long(page, 1_234)
  await tamper(page, 'runs_show', () => {})
  const asked = counted(page)
  await page.goto('about:blank')
  await page.goto(`${product.url}#/syncs/${id}`)
  const list = page.getByRole('listbox', { name: 'Runs' })
  await expect(page.getByRole('option', { name: /Run 1234-/ })).toBeVisible()
  await expect(page.locator('.lead')).not.toContainText('on record')
  expect(asked('runs_list')).toBe(1)
  expect(await list.getByRole('option').count()).toBeLessThan(40)
  await pictures(page, 'syncs-long')

  await list.evaluate((element) => (element.scrollTop = element.scrollHeight))
  await expect.poll(() => asked('runs_list')).toBe(2)
  await expect(page.getByRole('option', { name: /Run 1130-/ })).toBeAttached()
  await page.getByRole('button', { name: 'Show more' }).click()
  await expect.poll(() => asked('runs_list')).toBe(3)

  // A search is among all of them.
  await page.getByLabel('Search runs').fill('oldest')
  await expect(page.getByRole('option', { name: /Run 7-/ })).toBeVisible()
  await expect(list.getByRole('option')).toHaveCount(1)
  await expect(page.getByRole('button', { name: 'Show more' })).toHaveCount(0)
  expect(asked('runs_list')).toBe(13)
  await expect(page.locator('.lead')).toContainText('1,234 runs on record')
})

test('older runs that cannot be read leave those that were', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const id = await sync(page, product, product.events('in', [track('Viewed')]), lake)
  await long(page, 150)
  await page.goto('about:blank')
  await page.goto(`${product.url}#/syncs/${id}`)
  await expect(page.getByRole('option', { name: /Run 150-/ })).toBeVisible()
  const failure = {
    code: 'database_busy',
    message: 'The database is busy.',
    hint: null,
    field: null,
    retryable: true,
    trace: null,
  }
  await page.unroute('**/call/runs_list')
  await page.route('**/call/runs_list', (route) =>
    route.fulfill({ body: `${JSON.stringify({ failure })}\n` }),
  )
  await page.getByRole('button', { name: 'Show more' }).click()
  await expect(page.getByRole('alert')).toContainText('The database is busy.')
  await expect(page.getByRole('option', { name: /Run 150-/ })).toBeVisible()
  await page.unroute('**/call/runs_list')
  await long(page, 150)
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('a preview of many conflicts scrolls as far as it is scrolled, and is nowhere blank', async ({
  page,
  product,
}) => {
  const events = product.events('in', [track('Viewed', { path: '/' })])
  await tamper(page, 'schema_preview', (answer) => {
    const [table] = answer.tables as { columns: object[]; sample: unknown[][] }[]
    table!.columns = Array.from({ length: 300 }, (_, at) => ({
      name: `column_${at}`,
      type: 'BIGINT',
      state: at % 3 === 0 ? 'conflict' : 'new',
      from: [`properties.column_${at}`],
      filled: 1,
      discarded: at % 3 === 0 ? 1 : 0,
    }))
    table!.sample = [table!.columns.map(() => '1')]
  })
  await page.goto(`${product.url}#/schemas?${new URLSearchParams({ from: events })}`)
  const pane = page.getByRole('tabpanel')
  await expect(pane.getByRole('row', { name: /column_0/ }).first()).toBeVisible()
  const seen = await pane.evaluate(async (pane) => {
    // Not every browser keeps what is in sight where it is.
    pane.style.overflowAnchor = 'none'
    const drawn = () =>
      new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    const { left, top, width, height } = pane.getBoundingClientRect()
    const at = (y: number) => document.elementFromPoint(left + width / 2, y)?.closest('tr')
    const wrong: string[] = []
    for (const [from, step] of [
      [0, 150],
      [1, -150],
    ] as const) {
      pane.scrollTop = (pane.scrollHeight - pane.clientHeight) * from
      await drawn()
      for (let count = 0; count < 70; count += 1) {
        const found = at(top + height / 2)
        const middle = found?.classList.contains('under') ? found.previousElementSibling : found
        const [name, before] = [middle?.textContent, middle?.getBoundingClientRect().top ?? 0]
        const was = pane.scrollTop
        pane.scrollTop += step
        await drawn()
        const moved = pane.scrollTop - was
        const row = [...pane.querySelectorAll('tbody tr')].find((one) => one.textContent === name)
        const now = row?.getBoundingClientRect().top ?? Infinity
        // A pixel and a half is rounding.
        if (Math.abs(before - moved - now) > 1.5) wrong.push(`${was}: ${before} to ${now}`)
        for (let y = top + 60; y < top + height - 2; y += 14)
          if (at(y)?.classList.contains('gap-row')) wrong.push(`${was}: blank at ${y}`)
      }
    }
    return { wrong, rows: pane.querySelectorAll('tbody tr').length }
  })
  expect(seen.wrong).toEqual([])
  expect(seen.rows).toBeLessThan(200)
})

test('the palette reads tables once words are typed, and only once', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  await sync(page, product, product.events('in', [track('Order Completed')]), lake)
  await page.goto(`${product.url}#/settings`)
  await expect(page.getByLabel('Batch size')).toBeVisible()
  const asked = counted(page)
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('option', { name: /^Run 1-/ })).toBeVisible()
  expect(asked('tables_list')).toBe(0)
  for (let round = 0; round < 3; round += 1) {
    await page.getByRole('combobox', { name: 'Go to' }).fill('order')
    await expect(page.getByRole('option', { name: /order_completed/ }).first()).toBeVisible()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
  }
  expect(asked('tables_list')).toBe(1)
  expect(asked('runs_list')).toBeLessThan(6)
})

test('what an action of the palette could not do is said there', async ({ page, product }) => {
  const failure = {
    code: 'data_folder',
    message: 'The data folder cannot be written.',
    hint: null,
    field: null,
    retryable: false,
    trace: null,
  }
  await page.route('**/call/settings_change', (route) =>
    route.fulfill({ body: `${JSON.stringify({ failure })}\n` }),
  )
  await page.goto(product.url)
  await expect(page.getByRole('button', { name: 'Sync the sample' })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Go to' }).fill('dark')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('cannot be written')
  await pictures(page, 'palette-failed')
  await page.unroute('**/call/settings_change')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
})
