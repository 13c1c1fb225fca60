// The size of the page: by keys, by the wheel, by the palette and by a setting; kept, and with nothing lost at 200 %.
// What a window does with it is played: a browser that shows a page at 200 % gives it half as many pixels.

import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { accessible, expect, sync, test, tidy, track, type Product } from './product'
import { databricks, paste, role } from './policies'

/** Gives the page the room that it has when it is shown so large. */
async function shows(page: Page, percent: number): Promise<void> {
  const room = (pixels: number) => Math.round((pixels * 100) / percent)
  await page.setViewportSize({ width: room(1280), height: room(800) })
}

async function asked(product: Product, percent: number): Promise<void> {
  await expect.poll(() => product.zoom()).toBe(percent)
}

/** The page by itself, as it is after a start. */
async function open(page: Page, product: Product, address = ''): Promise<void> {
  await page.goto('about:blank')
  await page.goto(`${product.url}#/${address}`)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
}

test('keys and the wheel change the size, step by step and back', async ({ page, product }) => {
  await open(page, product)
  await asked(product, 100)
  for (const [keys, percent] of [
    ['Control+Equal', 110],
    ['Control+Shift+Equal', 125],
    ['Control+NumpadAdd', 150],
    ['Control+Minus', 125],
    ['Control+Digit0', 100],
    ['Control+Minus', 90],
    ['Control+Minus', 80],
    ['Control+Minus', 80],
  ] as const) {
    await page.keyboard.press(keys)
    await asked(product, percent)
    await expect(page.locator('.toast')).toContainText(`${percent} %`)
  }
  await page.keyboard.down('Control')
  await page.mouse.move(600, 400)
  await page.mouse.wheel(0, -100)
  await asked(product, 90)
  await page.mouse.wheel(0, -100)
  await asked(product, 100)
  await page.mouse.wheel(0, 100)
  await asked(product, 90)
  await page.keyboard.up('Control')
  // Without Ctrl it scrolls.
  await page.mouse.wheel(0, -100)
  await page.keyboard.press('Equal')
  await page.waitForTimeout(200)
  expect(await product.zoom()).toBe(90)
})

test('the size is kept, and is a setting, in the palette and among the keys', async ({
  page,
  product,
}) => {
  await open(page, product, 'settings')
  await expect(page.getByLabel('Text size')).toHaveValue('100')
  await page.getByLabel('Text size').selectOption('150')
  await asked(product, 150)
  // Also while something lies over the page, which takes other keys for itself.
  await page.keyboard.press('Control+k')
  await page.keyboard.press('Control+Equal')
  await asked(product, 175)
  await page.keyboard.type('larger')
  await page.getByRole('option', { name: /Larger text/ }).click()
  await asked(product, 200)
  await expect(page.getByLabel('Text size')).toHaveValue('200')
  await page.reload()
  await expect(page.getByLabel('Text size')).toHaveValue('200')
  await asked(product, 200)
  await page.getByRole('heading', { level: 1 }).click()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toContainText('larger, smaller, usual size')
})

test('single letters can be switched off, other keys stay', async ({ page, product }) => {
  await open(page, product, 'settings')
  await page.getByRole('switch', { name: 'Single-letter keys' }).click()
  await expect(page.locator('.toast.done')).toHaveText('Saved')
  await page.getByRole('heading', { level: 1 }).click()
  await page.keyboard.press('?')
  await page.keyboard.press('Control+4')
  await expect(page.getByRole('heading', { name: 'Tables', level: 1 })).toBeVisible()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Tables', level: 1 })).toBeVisible()
  await page.keyboard.press('?')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('all keys')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog', { name: 'Keys' })).toContainText('are switched off')
})

test('at 200 % every page can be read and used', async ({ page, product }) => {
  const lake = join(product.folder, 'lake')
  const events = product.events('in', [
    track('Order Completed', { total: 12, coupon: 'AUTUMN', user_id: 'x' }),
    track('Order Refunded', { amount: 3.5 }),
    'cut short {"type": "tra',
  ])
  const run = await sync(page, product, events, lake)
  for (let step = 0; step < 5; step += 1) await page.keyboard.press('Control+Equal')
  await asked(product, 200)
  await shows(page, await product.zoom())

  for (const address of [
    '',
    'syncs',
    `syncs/${run}`,
    `syncs/${run}?tab=rejected`,
    'syncs/new',
    `tables?lake=${lake}`,
    `tables?lake=${lake}&table=web.order_completed`,
    `tables?lake=${lake}&table=web.order_completed&tab=rows`,
    `schemas?from=${events}`,
    `schemas?from=${events}&table=events.order_completed`,
    'policy',
    'settings',
  ]) {
    await open(page, product, address)
    await expect(page.locator('.waiting')).toHaveCount(0)
    await tidy(page)
    await accessible(page)
    const name = address.replace(/\W+/g, '-').slice(0, 24) || 'overview'
    await page.screenshot({
      path: join(import.meta.dirname, 'screens', `zoom-${name}.png`),
    })
  }
  await open(page, product, 'policy')
  await paste(page, databricks(), role)
  await expect(page.getByRole('grid')).toContainText('Allowed')
  await tidy(page)
  // The matrix is high enough to be read: it has all its rows.
  const rows = await page.getByRole('row').evaluateAll((all) => all.map((row) => row.clientHeight))
  expect(Math.min(...rows)).toBeGreaterThan(20)
})

test('where there is room for one pane, a list leads to what is chosen, and back', async ({
  page,
  product,
}) => {
  const lake = join(product.folder, 'lake')
  const events = product.events('in', [track('Viewed'), track('Bought')])
  await sync(page, product, events, lake)
  await page.setViewportSize({ width: 640, height: 400 })
  await open(page, product, `tables?lake=${lake}`)
  const [list, heading] = [page.getByRole('listbox'), page.getByRole('heading', { level: 2 })]
  const back = page.getByRole('button', { name: 'All tables' })
  await expect(list).toBeVisible()
  await expect(heading).toBeHidden()
  await page.getByRole('option', { name: /bought/ }).click()
  await expect(heading).toHaveText('web.bought')
  await expect(heading).toBeFocused()
  await expect(list).toBeHidden()
  await back.click()
  await expect(list).toBeFocused()
  await expect(heading).toBeHidden()
  // Who moves in the list stays there until one is opened.
  await page.keyboard.press('ArrowDown')
  await expect(list).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(heading).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(list).toBeFocused()
  // With more room both are there again.
  await page.setViewportSize({ width: 960, height: 600 })
  await expect(list).toBeVisible()
  await expect(heading).toBeVisible()
  await expect(back).toBeHidden()
  // An address that names one leads to it.
  await page.setViewportSize({ width: 640, height: 400 })
  await open(page, product, `tables?lake=${lake}&table=web.viewed`)
  await expect(heading).toHaveText('web.viewed')
})

test('what a title says is shown to the keyboard, and Escape closes it', async ({
  page,
  product,
}) => {
  await page.setViewportSize({ width: 960, height: 600 })
  await open(page, product)
  const tooltip = page.locator('.tooltip')
  // Beside the rail's icons, which have no words here.
  await page.getByRole('combobox', { name: 'Profile' }).focus()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Overview', exact: true })).toBeFocused()
  await expect(tooltip).toHaveText('Overview')
  await accessible(page)
  await page.screenshot({ path: join(import.meta.dirname, 'screens', 'tooltip-960.png') })
  await page.keyboard.press('Escape')
  await expect(tooltip).toHaveCount(0)
  await page.keyboard.press('Tab')
  await expect(tooltip).toHaveText('Trust policy')
  await page.mouse.click(500, 550)
  await expect(tooltip).toHaveCount(0)
})

test('the page has one live region, and what happens is said in it', async ({ page, product }) => {
  const said = async () => {
    const { nodes } = await session.send('Accessibility.getFullAXTree')
    const region = nodes.find((node) => node.role?.value === 'status')
    const names = (id: string): string => {
      const node = nodes.find((one) => one.nodeId === id)
      if (node?.role?.value === 'StaticText') return String(node.name?.value ?? '')
      return (node?.childIds ?? []).map(names).join(' ')
    }
    return region ? names(region.nodeId).trim() : undefined
  }
  const session = await page.context().newCDPSession(page)
  await session.send('Accessibility.enable')
  await open(page, product, 'policy')
  await paste(page, databricks(), role)
  await expect(page.getByRole('grid')).toContainText('Allowed')
  // The editor has its own, in its shadow root.
  const regions = () => document.querySelectorAll('[role="status"], [aria-live="polite"]').length
  expect(await page.evaluate(regions)).toBe(1)
  await page.getByRole('gridcell').first().click()
  await expect(page.locator('.because p').first()).toBeVisible()
  const because = (await page.locator('.because p').first().textContent())!.trim()
  await expect.poll(said).toContain(because.slice(0, 40))
})
