// Tables that changed outside Headgate: tables that lack rows are reported and filled again, what waits for a
// table that refuses it is given up, a copied lake becomes a lake of its own, and no run reports complete data
// that is not.

import {
  appendFileSync,
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
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

const run = (page: Page) => page.getByRole('button', { name: 'Run Ctrl Enter' })

/** Opens the form of a sync and runs it; what becomes of it is for the test to say. */
async function syncs(page: Page, product: Product, from: string, lake: string): Promise<void> {
  const query = new URLSearchParams({ from, lake, source: 'web' })
  await page.goto(`${product.url}#/syncs/new?${query}`)
  await run(page).click()
}

/** How many rows a table has, as its page says. */
async function rows(page: Page, product: Product, lake: string, table: string): Promise<string> {
  await page.goto(`${product.url}#/tables?${new URLSearchParams({ lake, table })}`)
  const facts = page.locator('.facts-line dd')
  await expect(facts.first()).toContainText(join(lake, ...table.split('.')))
  const said = facts.nth(1)
  await expect(said).toContainText(' in ')
  return (await said.textContent())!.trim().split(' ')[0]!
}

test('a table that was dropped is told, kept in the list, and filled again', async ({
  page,
  product,
}) => {
  test.setTimeout(180_000)
  const lake = join(product.folder, 'lake')
  const events = product.events('in', [
    track('Order Completed', { total: 1 }),
    track('Order Completed', { total: 2 }),
    track('Viewed', { path: '/' }),
  ])
  await sync(page, product, events, lake)
  rmSync(join(lake, 'web', 'order_completed'), { recursive: true })
  appendFileSync(join(events, 'events.ndjson'), `${JSON.stringify(track('Viewed'))}\n`)

  await syncs(page, product, events, lake)
  const detail = page.locator('.detail')
  await expect(detail.locator('.pill')).toHaveText('Partial', { timeout: 90_000 })
  await expect(detail.locator('.say')).toContainText(
    'web.order_completed lacks rows that were written to it.',
  )
  await expect(detail.locator('.say')).not.toContainText('All')
  await expect(page.getByRole('heading', { name: 'A table needs you' })).toBeVisible()
  await expect(page.getByRole('row', { name: /order_completed.*Lacks rows/ })).toBeVisible()
  await pictures(page, 'run-behind')
  await page.goto(product.url)
  await expect(
    page.getByText('web.order_completed lacks rows that were written to it.'),
  ).toBeVisible()

  await page.goto(`${product.url}#/tables?${new URLSearchParams({ lake })}`)
  await expect(page.locator('.lead')).toContainText('1 table lacks rows that were written to it.')
  await page.getByRole('option', { name: /order_completed/ }).click()
  await expect(page.getByRole('heading', { name: 'web.order_completed' })).toBeVisible()
  await expect(page.locator('.lacks')).toContainText('table_behind')
  await pictures(page, 'table-gone')
  await page.getByRole('link', { name: 'Fill again…' }).click()
  await expect(page.getByLabel('Lake')).toHaveValue(lake)
  await expect(page.getByLabel('Source name')).toHaveValue('web')
  await expect(page.getByText('Fills web.order_completed only')).toBeVisible()
  await page.getByLabel('Events', { exact: true }).fill(events)
  await pictures(page, 'sync-refill')

  // What it fills can be taken off, by the keyboard too.
  await page.getByRole('button', { name: 'Fill all tables' }).press('Enter')
  await expect(page.getByLabel('Read files again')).toBeFocused()
  await expect(page.getByText('Fills web.order_completed only')).toHaveCount(0)
  await page.goBack()

  await page.getByRole('link', { name: 'Fill again…' }).click()
  await page.getByLabel('Events', { exact: true }).fill(events)
  await run(page).click()
  await expect(detail.locator('.pill')).toHaveText('Succeeded', { timeout: 90_000 })
  await expect(page.getByText('Adds up')).toBeVisible()
  await expect(detail.locator('.say')).toHaveText(
    'Filled web.order_completed only, with 2 events that it lacked.',
  )
  await pictures(page, 'run-refilled')
  await page.getByRole('link', { name: 'Run again…' }).click()
  await expect(page.getByText('Fills web.order_completed only')).toBeVisible()
  await expect(page.getByLabel('Events', { exact: true })).toHaveValue(events)
  await run(page).click()
  await expect(detail.locator('.say')).toHaveText(
    'Filled web.order_completed only; it lacked none of the events.',
    { timeout: 90_000 },
  )
  expect(await rows(page, product, lake, 'web.order_completed')).toBe('2')
  expect(await rows(page, product, lake, 'web.tracks')).toBe('4')
  await expect(page.locator('.lead')).not.toContainText('lacks')
  await page.getByRole('tab', { name: 'Versions' }).click()
  await expect(page.getByRole('row', { name: /Append.*Run .* by / }).first()).toBeVisible()
  await pictures(page, 'table-versions')
})

test('rows that no file has any more are given up on the run that could not fill them', async ({
  page,
  product,
}) => {
  test.setTimeout(180_000)
  const lake = join(product.folder, 'lake')
  const events = product.events('in', [track('Ordered')])
  writeFileSync(join(events, 'more.ndjson'), `${JSON.stringify(track('Ordered'))}\n`)
  await sync(page, product, events, lake)
  rmSync(join(lake, 'web', 'ordered'), { recursive: true })
  rmSync(join(events, 'more.ndjson'))

  const refill = new URLSearchParams({ from: events, lake, source: 'web', again: '1' })
  await page.goto(`${product.url}#/syncs/new?${refill}&refill=web.ordered`)
  await run(page).click()
  const detail = page.locator('.detail')
  await expect(detail.locator('.pill')).toHaveText('Partial', { timeout: 90_000 })
  await expect(detail).toContainText(
    'web.ordered has fewer rows than the 2 that were written to it',
  )
  await pictures(page, 'run-left-short')
  await page.getByRole('button', { name: 'Give up the missing rows…' }).press('Enter')
  await page.getByRole('button', { name: 'Cancel' }).press('Enter')
  await expect(page.getByRole('button', { name: 'Give up the missing rows…' })).toBeFocused()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Give up', exact: true }).press('Enter')
  await expect(detail.locator('.given')).toContainText('1 row given up')
  await pictures(page, 'run-rows-given-up')
  appendFileSync(join(events, 'events.ndjson'), `${JSON.stringify(track('Ordered'))}\n`)
  await syncs(page, product, events, lake)
  await expect(detail.locator('.pill')).toHaveText('Succeeded', { timeout: 90_000 })
  expect(await rows(page, product, lake, 'web.ordered')).toBe('2')
  await expect(page.locator('.lead')).not.toContainText('lacks')
})

test('a table that was put back has its rows to look at, and says what it lacks', async ({
  page,
  product,
}) => {
  test.setTimeout(120_000)
  const lake = join(product.folder, 'lake')
  await sync(page, product, product.events('first', [track('Viewed'), track('Viewed')]), lake)
  const log = join(lake, 'web', 'viewed', '_delta_log')
  const early = readdirSync(log)
  await sync(page, product, product.events('second', [track('Viewed')]), lake)
  for (const name of readdirSync(log).filter((name) => !early.includes(name)))
    rmSync(join(log, name), { recursive: true })
  await syncs(page, product, product.events('third', [track('Ordered')]), lake)
  await expect(page.locator('.detail .pill')).toHaveText('Partial', { timeout: 90_000 })
  expect(await rows(page, product, lake, 'web.viewed')).toBe('2')
  await expect(page.locator('.lead')).toContainText('1 table lacks rows that were written to it.')
  await expect(page.locator('.lacks')).toContainText('put back to an earlier state')
  await expect(page.getByRole('link', { name: 'Fill again…' })).toBeVisible()
  await pictures(page, 'table-behind')
})

/** Lets another program put a constraint on a table, which Headgate does not write under. */
function constrain(table: string): void {
  const log = join(table, '_delta_log')
  const versions = readdirSync(log)
    .filter((name) => /^\d{20}\.json$/.test(name))
    .sort()
  const actions = readFileSync(join(log, versions[0]!), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>)
  const metaData = actions.find((action) => action.metaData)!.metaData!
  const protocol = actions.find((action) => action.protocol)!.protocol!
  metaData.configuration = {
    ...(metaData.configuration as object),
    'delta.constraints.some': 'total > 0',
  }
  if (protocol.minWriterVersion === 7)
    protocol.writerFeatures = [...(protocol.writerFeatures as string[]), 'checkConstraints']
  else protocol.minWriterVersion = Math.max(3, protocol.minWriterVersion as number)
  const commitInfo = { timestamp: Date.now(), operation: 'ADD CONSTRAINT', engineInfo: 'another' }
  writeFileSync(
    join(log, `${String(versions.length).padStart(20, '0')}.json`),
    [{ commitInfo }, { protocol }, { metaData }].map((one) => `${JSON.stringify(one)}\n`).join(''),
  )
}

test('what waits for a table that refuses is given up after a question', async ({
  page,
  product,
}) => {
  test.setTimeout(180_000)
  const lake = join(product.folder, 'lake')
  const first = product.events('first', [track('Order Completed', { total: 1 })])
  await sync(page, product, first, lake)
  constrain(join(lake, 'web', 'order_completed'))
  const second = product.events('second', [
    track('Order Completed', { total: 2 }),
    track('Order Completed', { total: 3 }),
  ])
  await syncs(page, product, second, lake)
  await expect(page.locator('.detail .pill')).toHaveText('Partial', { timeout: 90_000 })
  await expect(page.locator('.say')).toContainText('web.order_completed did not take its part')
  await expect(page.getByText('Adds up')).toBeVisible()
  await expect(page.getByRole('row', { name: /order_completed.*Refuses/ })).toBeVisible()

  const opener = page.getByRole('button', { name: 'Give up…' })
  await opener.press('Enter')
  await expect(page.getByText('Its lines go to the dead letters of run')).toBeFocused()
  await pictures(page, 'run-give-up')
  await page.getByRole('button', { name: 'Keep waiting' }).press('Enter')
  await expect(opener).toBeFocused()
  await opener.click()
  // While another process works with the data folder it waits, and can be taken back.
  const terminal = syncInTerminal(product, join(product.folder, 'other'), 'shop')
  const open = { call: 'jobs', request: { open: true, before: null, limit: null } }
  await expect
    .poll(async () =>
      (await page.request.post(`${product.url}call/jobs_list`, { data: open })).text(),
    )
    .toContain('"running"')
  const waits = page.getByText(/Waiting for .* to finish/)
  await page.getByRole('button', { name: 'Give up', exact: true }).click()
  await expect(waits).toBeVisible()
  await pictures(page, 'run-give-up-waits')
  await page.getByRole('button', { name: 'Cancel', exact: true }).click()
  await expect(waits).toHaveCount(0)
  await page.getByRole('button', { name: 'Give up', exact: true }).click()
  await expect(waits).toBeVisible()
  expect(await terminal.end()).toBe(0)
  await expect(page.getByText('2 lines given up')).toBeVisible({ timeout: 30_000 })
  await expect(page.locator('.say')).toHaveText(
    '2 of 2 events are in the lake. 2 lines were given up; they are kept.',
  )
  await pictures(page, 'run-given-up')
  await page.getByRole('button', { name: 'Copy path of the dead letters' }).click()
  await expect.poll(() => product.copied()).toContain('dead_letters')
  const path = await product.copied()
  expect(existsSync(path)).toBe(true)
  const letters = readFileSync(path, 'utf8').trimEnd().split('\n')
  expect(letters.map((line) => (JSON.parse(line) as { reason: string }).reason)).toEqual([
    'released',
    'released',
  ])
  await expect(page.getByText('2 lines given up')).toBeVisible()
  await page.getByRole('tab', { name: 'Rejected lines 2' }).click()
  await expect(page.getByRole('row', { name: /Given up/ })).toHaveCount(2)
})

test('events that no table takes wait, and are said to', async ({ page, product }) => {
  test.setTimeout(120_000)
  const lake = join(product.folder, 'lake')
  await sync(page, product, product.events('first', [track('Order Completed')]), lake)
  for (const table of ['tracks', 'order_completed']) constrain(join(lake, 'web', table))
  const seen = { type: 'page', messageId: 'p-1', userId: 'u', name: 'Home' }
  const second = product.events('second', [track('Order Completed'), seen])
  await syncs(page, product, second, lake)
  await expect(page.locator('.detail .pill')).toHaveText('Partial', { timeout: 90_000 })
  await expect(page.locator('.say')).toContainText(
    '1 of 2 events are in the lake. 1 event is kept until a table takes it.',
  )
  await expect(page.getByLabel('Events of this run')).toHaveText(
    /Received\s*2\s*Written\s*1\s*Duplicate\s*0\s*Rejected\s*0\s*Waiting\s*1/,
  )
  await expect(page.getByText('Adds up')).toBeVisible()
  await expect(page.getByRole('option', { name: /1 waiting/ })).toBeVisible()
  await pictures(page, 'run-waiting')
  await page.goto(product.url)
  await expect(page.locator('.b-needs')).toContainText('1 event is kept until a table takes it.')
  await pictures(page, 'overview-waiting')
})

test('a copied lake becomes a lake of its own with one press', async ({ page, product }) => {
  test.setTimeout(120_000)
  const [lake, copy] = [join(product.folder, 'lake'), join(product.folder, 'copy')]
  await sync(page, product, product.events('first', [track('Viewed')]), lake)
  cpSync(lake, copy, { recursive: true })
  await syncs(page, product, product.events('second', [track('Viewed')]), copy)
  await expect(page.getByRole('alert')).toContainText('lake_copied')
  await pictures(page, 'sync-copied')
  await page.getByRole('button', { name: 'Make it a lake of its own' }).click()
  await expect(page.getByText('The one event is in the lake.')).toBeVisible({ timeout: 90_000 })
  expect(await rows(page, product, copy, 'web.viewed')).toBe('2')
  expect(await rows(page, product, lake, 'web.viewed')).toBe('1')
})

/** What a run says of itself whose lake was taken away while it wrote. */
const lost = {
  received: 704_608,
  written: 469_223,
  duplicate: 0,
  rejected: 0,
  waiting: 0,
  lost: 235_385,
}
const error = {
  code: 'table_behind',
  message:
    '`web.tracks` was removed, made again or put back while run 12-afe45 wrote, and 235,385 rows that had landed are gone.',
  hint: 'Fill it from the source’s files with `headgate sync run --again --refill web.tracks`; until then its new rows wait.',
  field: null,
  retryable: false,
  trace: null,
}

test('rows that are gone are said wherever the run is', async ({ page, product }) => {
  const events = product.events('in', [track('Viewed')])
  const lake = join(product.folder, 'lake')
  const id = await sync(page, product, events, lake)
  const gone = (run: Record<string, unknown>) => {
    run.status = 'partial'
    run.events = lost
    run.error = null
    for (const table of run.tables as Record<string, unknown>[]) table.error = error
  }
  await tamper(page, 'runs_show', gone)
  await tamper(page, 'runs_list', (answer) => {
    for (const run of answer.runs as Record<string, unknown>[]) gone(run)
  })
  await tamper(page, 'overview_show', (answer) => {
    for (const run of answer.runs as Record<string, unknown>[]) gone(run)
    const [kind, on] = ['tables', 'web.tracks']
    answer.needs = [
      { id: 'n', kind, run: id, source: 'web', count: 2, error, on, events: lost, muted: false },
    ]
  })
  await page.goto(`${product.url}#/settings`)
  await page.goto(`${product.url}#/syncs/${id}`)
  await expect(page.locator('.say')).toContainText(
    '469,223 of 704,608 events are in the lake. 235,385 events that had landed are gone.',
  )
  await expect(page.locator('.equation')).toContainText('235,385 events that had landed are gone')
  await expect(page.getByText('Adds up')).toHaveCount(0)
  await expect(page.getByLabel('Events of this run')).toHaveText(
    /Received\s*704,608\s*Written\s*469,223\s*Duplicate\s*0\s*Rejected\s*0\s*Lost\s*235,385/,
  )
  await expect(page.getByRole('option', { name: /235,385 gone/ })).toBeVisible()
  await expect(page.locator('.lead')).toContainText('235,385 events that had landed are gone.')
  await pictures(page, 'run-lost')
  await page.getByRole('link', { name: 'Fill again…' }).first().click()
  await expect(page.getByLabel('Events', { exact: true })).toHaveValue(events)
  await expect(page.getByText(/^Fills web\.\w+ only/)).toBeVisible()

  await page.goto(product.url)
  await expect(page.locator('.lead')).toContainText('235,385 events that had landed are gone.')
  await expect(page.locator('.b-needs')).toContainText('Lost')
  await pictures(page, 'overview-lost')
})

test('a run of standard input says how its table is filled', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const id = await sync(page, product, product.events('in', [track('Viewed')]), lake)
  await tamper(page, 'runs_show', (run) => {
    run.from = null
    run.status = 'partial'
    const [table] = run.tables as Record<string, unknown>[]
    table!.error = error
  })
  await page.goto(`${product.url}#/settings`)
  await page.goto(`${product.url}#/syncs/${id}`)
  await expect(page.getByText('This run read standard input')).toBeVisible()
  await page.getByRole('link', { name: 'Fill again…' }).click()
  await expect(page.getByLabel('Events', { exact: true })).toHaveValue('')
})

test('notices of one kind are told each', async ({ page, product }) => {
  const events = product.events('in', [track('Viewed')])
  const id = await sync(page, product, events, join(product.folder, 'lake'))
  await tamper(page, 'runs_show', (run) => {
    if (run.run !== id) return
    const waits = (of: string) => ({
      code: 'lines_wait',
      message: `1 line of ${of} waits.`,
      count: 1,
    })
    run.notices = [waits('web'), waits('shop')]
  })
  await page.goto(`${product.url}#/settings`)
  await page.goto(`${product.url}#/syncs/${id}`)
  await expect(page.getByText('1 line of web waits.')).toBeVisible()
  await expect(page.getByText('1 line of shop waits.')).toBeVisible()
})

test('a busy lake is tried again as it was asked for', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const events = product.events('in', [track('Viewed')])
  const id = await sync(page, product, events, lake)
  const busy = {
    ...error,
    code: 'lake_busy',
    message: 'laptop (3f2a) is writing to schema `web` of this lake; it was heard 4 seconds ago.',
    hint: 'Run the sync again when it has ended.',
    retryable: true,
  }
  await tamper(page, 'runs_show', (run) => {
    if (run.run !== id) return
    run.status = 'failed'
    run.error = busy
  })
  await page.goto(`${product.url}#/settings`)
  await page.goto(`${product.url}#/syncs/${id}`)
  await expect(page.getByText('laptop (3f2a) is writing')).toBeVisible()
  await pictures(page, 'run-busy')
  const asked = page.waitForRequest('**/call/sync_start')
  await page.getByRole('button', { name: 'Try again' }).click()
  const { request } = JSON.parse((await asked).postData()!) as { request: object }
  expect(request).toEqual({
    from: events,
    to: lake,
    source: 'web',
    again: false,
    refill: null,
    columns: [],
    new_lake_id: false,
  })
  await expect(page.getByText('Nothing new: 1 file that went in before')).toBeVisible({
    timeout: 60_000,
  })
})
