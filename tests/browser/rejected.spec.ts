// What could not be read as events: seen in the preview, explained, saved, and synced again.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, pictures, sync, test, track } from './product'

const upper = '{"type":"Track","messageId":"m2","event":"Upper"}'
const cut = '{"type":"track","event":"Cut'

test('rejected lines are explained, saved as they came, and synced again', async ({
  page,
  product,
}) => {
  const lake = join(product.folder, 'lake')
  const events = product.events('in', [track('Viewed'), track('Viewed'), cut, upper])
  const run = await sync(page, product, events, lake)
  await page.getByRole('tab', { name: 'Rejected lines 2' }).click()
  await expect(page.getByText('Character 29: the line ends inside a string.')).toBeVisible()
  await page.getByRole('button', { name: cut }).click()
  await expect(page.locator('pre mark')).toHaveCount(1)
  await pictures(page, 'rejected-line')

  const out = join(product.folder, 'bad.ndjson')
  await product.play({ choose: out })
  await page.getByRole('button', { name: 'Save as NDJSON…' }).click()
  await expect(page.locator('.toast')).toContainText('2 lines saved in bad.ndjson')
  expect(readFileSync(out, 'utf8')).toBe(`${cut}\n${upper}\n`)
  await page.getByLabel('Reason').selectOption('unknown_type')
  await expect(
    page.getByText('`type` is').or(page.getByText('Segment writes')).first(),
  ).toBeVisible()
  await product.play({ choose: out })
  await page.getByRole('button', { name: 'Save as NDJSON…' }).click()
  await expect(page.locator('.toast')).toContainText('1 line saved in bad.ndjson')
  expect(readFileSync(out, 'utf8')).toBe(`${upper}\n`)
  await product.play({ choose: join(product.folder, 'none', 'bad.ndjson') })
  await page.getByRole('button', { name: 'Save as NDJSON…' }).click()
  await expect(page.getByRole('alert')).toContainText('cannot be written')

  await page.getByRole('link', { name: 'Sync again…' }).click()
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByText(`Lines that run ${run} rejected were read again`)).toBeVisible()
  await expect(page.getByText('2 lines could not be read as events; they are kept.')).toBeVisible()
  expect(await product.asked()).toEqual(
    (await product.asked()).filter((one) => !one.includes('dead_letters')),
  )
})

test('a preview shows which lines cannot be read, and what a file is that is not one event a line', async ({
  page,
  product,
}) => {
  const events = product.events('in', [track('Viewed'), cut, upper])
  writeFileSync(join(events, 'notes.csv'), 'a,b\n')
  const open = (from: string) =>
    page.goto(`${product.url}#/schemas?${new URLSearchParams({ from })}`)
  await open(events)
  const summary = page.getByRole('group').getByText('2 lines cannot be read, 1 file ignored')
  await summary.click()
  await expect(page.getByText('Character 29: the line ends inside a string.')).toBeVisible()
  await expect(page.getByText('notes.csv')).toBeVisible()
  await page.getByRole('button', { name: cut }).click()
  await pictures(page, 'schemas-rejected')

  const pretty = join(product.folder, 'pretty')
  product.events('pretty', [])
  writeFileSync(join(pretty, 'events.ndjson'), JSON.stringify(track('Viewed'), null, 2))
  await open(pretty)
  await expect(page.locator('.lead')).toContainText('holds indented JSON')
  await expect(page.locator('.lead')).toContainText('jq -c . events.ndjson > events.lines.ndjson')
  await expect(page.getByText('No table would get rows')).toBeVisible()
  await expect(page.locator('details.fold')).not.toHaveAttribute('open')
  await pictures(page, 'schemas-indented')
  await sync(page, product, pretty, join(product.folder, 'lake'))
  await expect(page.locator('.say')).toContainText('holds indented JSON')
})
