// From preview to table: preview, sync, cancel, inspect discarded values, open the table; by mouse, and by keyboard
// alone.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Locator } from '@playwright/test'
import { expect, picture, sync, test, track } from './product'

test('preview, sync, look into a discard, open the table', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const events = product.events('in', [
    track('Order Completed', { total: 12 }),
    track('Order Completed', { total: 3, user_id: 'much' }),
    'not an event',
  ])
  await page.goto(product.url)
  await page.getByRole('link', { name: 'Schemas', exact: true }).click()
  await product.play({ choose: join(events, 'events.ndjson') })
  await page.getByRole('button', { name: 'Choose a file…' }).click()
  await expect(page.getByText('2 of 3 events would land')).toBeVisible()
  await page.getByLabel('Source').fill('web')
  await page.getByLabel('Source').blur()
  await expect(page.getByRole('heading', { name: 'web.order_completed' })).toBeVisible()
  expect(existsSync(lake)).toBe(false)

  await page.getByRole('link', { name: 'Sync this…' }).click()
  await product.play({ choose: lake })
  await page.getByRole('button', { name: 'Choose a folder…' }).nth(1).click()
  await expect(page.getByLabel('Lake')).toHaveValue(lake)
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(
    page.getByText('2 of 3 events are in the lake. 1 line could not be read'),
  ).toBeVisible()
  const events3 = page.getByLabel('Events of this run')
  await expect(events3).toHaveText(/Received\s*3\s*Written\s*2\s*Duplicate\s*0\s*Rejected\s*1/)

  await page.getByRole('tab', { name: 'Rejected lines 1' }).click()
  await page.getByRole('button', { name: 'not an event' }).click()
  await page.getByRole('button', { name: 'Copy line' }).click()
  await expect(page.getByText('Line copied')).toBeVisible()
  expect(await product.copied()).toBe('not an event')

  await page.getByRole('button', { name: 'Copy 1 line', exact: true }).click()
  await expect.poll(() => product.copied()).toBe('not an event\n')

  await page.getByRole('tab', { name: /Values set aside/ }).click()
  await expect(page.getByRole('row', { name: /much/ }).first()).toContainText(/m-\d+/)
  await page.getByRole('button', { name: /^Copy \d+ values?$/ }).click()
  await expect.poll(() => product.copied()).toContain('"column_value":"much"')
  await page.getByRole('button', { name: 'much' }).first().click()
  await page.getByRole('button', { name: 'Copy value' }).click()
  await expect.poll(() => product.copied()).toBe('much')
  await page.getByRole('link', { name: 'Show the row' }).first().click()
  await expect(page.getByRole('heading', { name: 'web.order_completed' })).toBeVisible()
  await expect(page.getByRole('tab', { name: 'First rows' })).toHaveAttribute(
    'aria-selected',
    'true',
  )
  await expect(page.getByRole('gridcell', { name: '3', exact: true })).toBeVisible()
  await expect(page.getByRole('gridcell', { name: '12', exact: true })).toHaveCount(0)
  await page.getByLabel('Search rows').fill('nothing')
  await expect(page.getByText('No matching rows among the 2 rows shown.')).toBeVisible()
  await page.getByLabel('Search rows').fill('')
  // The event's own columns come first, and the id stays in sight.
  await expect(page.getByRole('gridcell', { name: '12', exact: true })).toBeVisible()
  const ids = page.getByRole('gridcell', { name: /^m-\d+$/ })
  const was = await ids.first().boundingBox()
  await page.getByRole('grid').evaluate((element) => (element.scrollLeft = element.scrollWidth))
  await expect(page.getByRole('columnheader', { name: 'uuid_ts' })).toBeVisible()
  expect(await ids.first().boundingBox()).toEqual(was)
  await page.getByRole('tab', { name: 'Versions' }).click()
  await expect(page.getByRole('link', { name: /^Run / }).first()).toBeVisible()
})

test('a choice among the tables reads nothing anew', async ({ page, product }) => {
  const events = product.events('in', [track('One'), track('Two'), track('Three')])
  let asked = 0
  page.on('request', (request) => (asked += Number(request.url().endsWith('/schema_preview'))))
  await page.goto(`${product.url}#/schemas?${new URLSearchParams({ from: events })}`)
  const list = page.getByRole('listbox', { name: 'Tables' })
  await list.focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('heading', { name: 'events.tracks' })).toBeVisible()
  await expect(list).toBeFocused()
  await page.getByRole('tab', { name: /Sample rows/ }).click()
  await expect(page.getByRole('grid')).toBeVisible()
  expect(asked).toBe(1)
  await page.getByLabel('Source').fill('web')
  await page.getByLabel('Source').blur()
  await expect(page.getByRole('option', { name: /one/ })).toBeVisible()
  await expect.poll(() => asked).toBe(2)
})

test('dropped files are looked at, wherever they fall', async ({ page, product }) => {
  const events = product.events('in', [track('Viewed')])
  await page.goto(`${product.url}#/schemas`)
  await expect(page.getByText('Drop a file or a folder')).toBeVisible()
  await product.play({ over: true })
  await expect(page.getByText('Drop to see what these events would make')).toBeVisible()
  await product.play({ dropped: [events] })
  await expect(page.getByText('The one event would land')).toBeVisible()

  await page.goto(`${product.url}#/settings`)
  await expect(page.getByLabel('Batch size')).toBeVisible()
  await product.play({ dropped: [events] })
  await expect(page.getByRole('heading', { name: 'Schemas', level: 1 })).toBeVisible()
  await expect(page.getByRole('option', { name: /viewed/ })).toBeVisible()
})

test('an address from outside opens its page', async ({ page, product }) => {
  await page.goto(product.url)
  await expect(page.getByRole('button', { name: 'Sync the sample' })).toBeVisible()
  await product.play({ open: '/settings' })
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible()
  await product.play({ open: '/nonsense/17' })
  await expect(page.getByText('There is no page “nonsense”')).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible()
})

test('a sync shows how it goes on, is stopped, survives a reload, and is taken up again', async ({
  page,
  product,
}) => {
  test.setTimeout(180_000)
  const lake = join(product.folder, 'lake')
  // So many that it cannot end before it is stopped.
  const count = 700_000
  const lines = Array.from({ length: count }, () =>
    track('Viewed', { path: '/a/long/enough/path', depth: 3, open: true }),
  )
  const events = product.events('in', lines)
  await page.goto(`${product.url}#/settings`)
  await page.getByLabel('Batch size').fill('1')
  await page.getByLabel('Batch size').blur()
  await expect(page.getByText('Saved')).toBeVisible()

  await page.goto(
    `${product.url}#/syncs/new?${new URLSearchParams({ from: events, lake, source: 'web' })}`,
  )
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByRole('progressbar', { name: 'Progress of the sync' })).toBeVisible()
  await expect(page.getByRole('heading', { name: 'Rows so far' })).toBeVisible({
    timeout: 30_000,
  })
  await expect(page.locator('.progress')).toContainText(/\d+ %.*\/s/)
  await picture(page, 'run-going')
  await page.reload()
  await expect(page.getByRole('progressbar', { name: 'Progress of the sync' })).toBeVisible()
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect(page.getByText(/Stopped. [\d,]+ events had landed./)).toBeVisible({
    timeout: 60_000,
  })
  await expect(page.getByText('Adds up')).toBeVisible()
  const landed = Number(
    (await page.locator('.equation dd').nth(1).textContent())!.replaceAll(',', ''),
  )
  expect(landed).toBeGreaterThan(0)
  expect(landed).toBeLessThan(count)

  await page.goto(`${product.url}#/settings`)
  await page.getByRole('button', { name: 'Back to 128' }).click()
  await expect(page.getByLabel('Batch size')).toHaveValue('128')
  await sync(page, product, events, lake)
  const more = Number(
    (await page.locator('.equation dd').nth(1).textContent())!.replaceAll(',', ''),
  )
  expect(landed + more).toBe(count)
})

test('the whole journey without a pointer', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const events = product.events('in', [track('Order Completed', { total: 1 }), 'broken'])
  await page.goto(product.url)
  await expect(page.getByRole('button', { name: 'Sync the sample' })).toBeEnabled()
  await page.keyboard.press('Control+3')
  await expect(page.getByRole('heading', { name: 'Schemas', level: 1 })).toBeVisible()
  await page.keyboard.press('/')
  await page.keyboard.type(events)
  await page.keyboard.press('Enter')
  await expect(page.getByText('1 of 2 events would land')).toBeVisible()
  await page.keyboard.press('Control+n')
  await expect(page.getByRole('heading', { name: 'New sync' })).toBeVisible()
  await page.getByLabel('Events').focus()
  await page.keyboard.type(events)
  for (let stop = 0; stop < 3; stop += 1) await page.keyboard.press('Tab')
  await page.keyboard.type(lake)
  await expect(page.getByLabel('Lake')).toHaveValue(lake)
  await page.keyboard.press('Control+Enter')
  await expect(page.getByText('Adds up')).toBeVisible()
  const tab = page.getByRole('tab', { name: 'Summary' })
  await tab.focus()
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('tab', { name: /Rejected lines/ })).toHaveAttribute(
    'aria-selected',
    'true',
  )

  await page.keyboard.press('Control+k')
  await page.keyboard.type('order_completed')
  await expect(page.getByRole('option', { name: /order_completed/ })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'events.order_completed' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('listbox', { name: 'Tables' })).toBeFocused()
  await page.keyboard.press('j')
  await expect(page.getByRole('heading', { name: 'events.tracks' })).toBeVisible()
  await page.keyboard.press('k')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'events.order_completed' })).toBeFocused()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
})

test('long lists stay in hand', async ({ page, product }) => {
  test.setTimeout(180_000)
  const lake = join(product.folder, 'lake')
  const wide = Object.fromEntries(Array.from({ length: 1_900 }, (_, at) => [`key_${at}`, at]))
  const lines: (object | string)[] = [track('Wide', wide)]
  for (let at = 0; at < 2_000; at += 1) lines.push(track(`Event ${at}`, { at }))
  for (let at = 0; at < 100_000; at += 1) lines.push(`broken ${at}`)
  await sync(page, product, product.events('in', lines), lake)

  await page.getByRole('tab', { name: 'Rejected lines 100,000' }).click()
  const pane = page.getByRole('tabpanel')
  await expect(page.getByRole('button', { name: 'broken 0', exact: true })).toBeVisible()
  for (let read = 20_000; read < 100_000; read += 10_000) {
    await page.getByRole('button', { name: 'Read more' }).click()
    await expect(page.getByText(`${read.toLocaleString('en-US')} shown`)).toBeVisible()
  }
  await page.getByRole('button', { name: 'Read more' }).click()
  await expect(page.getByRole('button', { name: 'Read more' })).toHaveCount(0)
  expect(await pane.locator('tbody tr').count()).toBeLessThan(120)
  await frames('rejected lines', pane, 'scrollTop', -400)
  await pane.evaluate((element) => (element.scrollTop = element.scrollHeight))
  await expect(page.getByRole('button', { name: 'broken 99999', exact: true })).toBeVisible()

  await page.goto(`${product.url}#/tables?lake=${lake}&table=web.wide`)
  await expect(page.getByRole('heading', { name: 'web.wide' })).toBeVisible({
    timeout: 60_000,
  })
  expect(await page.getByRole('option').count()).toBeLessThan(80)
  await page.getByRole('tab', { name: 'First rows' }).click()
  const grid = page.getByRole('grid')
  await expect(grid).toBeVisible()
  expect(await page.getByRole('columnheader').count()).toBeLessThan(30)
  await grid.evaluate((element) => (element.scrollLeft = element.scrollWidth))
  await expect(page.getByRole('columnheader', { name: 'uuid_ts' })).toBeVisible()
  await frames('columns', grid, 'scrollLeft', -300)

  const list = page.getByRole('listbox', { name: 'Tables' })
  await frames('tables', list, 'scrollTop', 200)
  await list.focus()
  await page.keyboard.press('End')
  await expect(page.getByRole('heading', { name: 'web.wide' })).toBeVisible()
  await page.keyboard.press('Home')
  await expect(page.getByRole('heading', { name: 'web.event_0' })).toBeVisible()
})

/** Says how many frames a second has while a pane scrolls, on a machine without a graphics card. */
async function frames(what: string, pane: Locator, way: 'scrollTop' | 'scrollLeft', by: number) {
  const counted = await pane.evaluate(
    async (element, [way, by]) => {
      const begun = performance.now()
      let frames = 0
      while (performance.now() - begun < 1_000) {
        element[way] += by
        await new Promise((done) => requestAnimationFrame(done))
        frames += 1
      }
      return frames
    },
    [way, by] as const,
  )
  console.log(`${counted} frames in a second of scrolling ${what}`)
}

test('exact numbers and hostile text stay what they are', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const hostile = '<img src=x onerror=alert(1)>\u202e`code`'
  const events = product.events('in', [
    '{"type":"track","event":"Big","messageId":"b1","properties":{"n":9007199254740993,"t":' +
      JSON.stringify(hostile) +
      '}}',
    '{"type":"track","event":"Big","messageId":"b2","properties":{"n":2}}',
  ])
  await sync(page, product, events, lake)
  await page.setViewportSize({ width: 1920, height: 1080 })
  await page.goto(`${product.url}#/tables?lake=${lake}&table=web.big&tab=rows`)
  await page.getByRole('grid').evaluate((element) => (element.scrollLeft = element.scrollWidth))
  await expect(page.getByRole('gridcell', { name: '9007199254740993' })).toBeVisible()
  const cell = page.getByRole('gridcell', { name: hostile.replace('\u202e', '\\u{202e}') })
  await cell.click()
  await page.getByRole('button', { name: 'Copy value' }).click()
  await expect.poll(() => product.copied()).toBe(hostile)
  expect(await page.locator('img').count()).toBe(0)
  const first = () =>
    page.getByRole('row').nth(1).locator('[aria-colindex]').filter({ hasText: /^\d+$/ }).first()
  await page.getByRole('columnheader', { name: 'n', exact: true }).getByRole('button').click()
  await expect(first()).toHaveText('2')
  await page.getByRole('columnheader', { name: 'n', exact: true }).getByRole('button').click()
  await expect(first()).toHaveText('9007199254740993')
})

test('settings are kept and hold for the next run', async ({ page, product }) => {
  await page.goto(`${product.url}#/settings`)
  await page.getByLabel('Light').check({ force: true })
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light')
  await page.getByLabel('Dark').check({ force: true })
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await page.getByLabel('Rejected lines').fill('30')
  await page.getByLabel('Rejected lines').blur()
  // A shorter time removes, so it is asked about.
  await page.getByRole('button', { name: 'Remove what is older than 30 days' }).click()
  await expect(page.getByText('2 settings differ')).toBeVisible()
  await page.reload()
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await expect(page.getByLabel('Rejected lines')).toHaveValue('30')
  // What is typed and not kept survives a change elsewhere, and can be taken back.
  await page.getByLabel('Records of runs').fill('5')
  await page.getByLabel('Records of runs').blur()
  await page.getByLabel('Light').check({ force: true })
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light')
  await expect(page.getByRole('button', { name: 'Remove what is older than 5 days' })).toBeVisible()
  await page.getByRole('button', { name: 'Keep 90' }).click()
  await expect(page.getByLabel('Records of runs')).toHaveValue('90')
  await page.getByLabel('Rejected lines').fill('many')
  await page.getByLabel('Rejected lines').blur()
  await expect(page.getByRole('alert')).toContainText('no whole number')
})

test('a call of another site is refused', async ({ product }) => {
  const body = JSON.stringify({ call: 'x', request: {} })
  const own = await fetch(`${product.url}call/app_start`, {
    method: 'POST',
    body,
  })
  expect(own.status).toBe(200)
  const other = await fetch(`${product.url}call/app_start`, {
    method: 'POST',
    body,
    headers: { origin: 'http://example.com' },
  })
  expect(other.status).toBe(403)
  const unknown = await (
    await fetch(`${product.url}call/files_delete`, { method: 'POST', body })
  ).text()
  expect(unknown).toContain('unknown_command')
})

test('a refusal carries the name of its call as a trace', async ({ product }) => {
  const body = JSON.stringify({ call: 'find-me', request: { run: '77' } })
  const said = await (await fetch(`${product.url}call/runs_show`, { method: 'POST', body })).text()
  expect(JSON.parse(said).failure).toMatchObject({
    code: 'run_not_found',
    trace: 'find-me',
    field: 'run',
  })
})

test('the sources of a lake are offered where its events are compared', async ({
  page,
  product,
}) => {
  const lake = join(product.folder, 'lake')
  const from = product.events('in', [track('Viewed')])
  await sync(page, product, from, lake, 'shop')
  await page.goto(`${product.url}#/schemas?${new URLSearchParams({ from, lake })}`)
  const said = page.locator('.other-sources').filter({ hasText: 'is a new source here' })
  await expect(said).toContainText('events is a new source here; this lake has shop.')
  await picture(page, 'schemas-new-source')
  await said.getByRole('button', { name: /Compare with shop, \d tables/ }).click()
  await expect(page.getByLabel('Source')).toHaveValue('shop')
  await expect(said).toHaveCount(0)
  await page.goto(`${product.url}#/syncs/new?${new URLSearchParams({ from, lake })}`)
  await expect(page.getByLabel('Source name')).toHaveAccessibleDescription(/This lake has shop\./)
})

test('keys move in a list at once, and the end of a sync is told elsewhere', async ({
  page,
  product,
}) => {
  const lake = join(product.folder, 'lake')
  for (const name of ['one', 'two'])
    await sync(page, product, product.events(name, [track('Viewed')]), lake)
  await expect(page.locator('.toast')).toContainText('The sync of web succeeded')
  await page.goto('about:blank')
  await page.goto(`${product.url}#/syncs`)
  const chosen = page.getByRole('listbox', { name: 'Runs' }).getByRole('option', { selected: true })
  await expect(chosen).toContainText('Run 2-')
  await page.keyboard.press('j')
  await expect(chosen).toContainText('Run 1-')
  await expect(page.getByRole('listbox', { name: 'Runs' })).toBeFocused()
  await page.keyboard.press('k')
  await expect(chosen).toContainText('Run 2-')
})
