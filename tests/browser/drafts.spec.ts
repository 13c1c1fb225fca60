// Saved drafts of several roles, and the history of changes, which can be long.

import type { Page } from '@playwright/test'
import { databricks, guide, meanwhile, paste, pasteOver, role } from './policies'
import { expect, pictures, test } from './product'

const other = 'arn:aws:iam::123456789012:role/other-writer'
const kept = (page: Page) => page.getByRole('region', { name: 'Kept drafts' })

async function pasteAnother(page: Page, text: string, of: string): Promise<void> {
  await page.getByRole('button', { name: 'Open another…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Trust policy, as JSON').fill(text)
  await dialog.getByLabel('The role’s ARN, if you know it').fill(of)
  await dialog.getByRole('button', { name: 'Look at it' }).click()
}

test('the drafts of other roles are kept, opened again and removed', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await expect(kept(page)).toHaveCount(0)
  await paste(page, databricks(), role)
  await pasteOver(page, meanwhile)
  await expect(page.getByRole('row', { name: /admin/ })).toBeVisible()
  await page.getByRole('button', { name: 'Open another…' }).click()
  await expect(page.getByRole('dialog')).toContainText('This draft is kept.')
  await page.keyboard.press('Escape')
  await pasteAnother(page, guide, other)
  await expect(page.locator('.title').first()).toContainText('other-writer')

  // The draft that is not in sight is not overwritten.
  await pasteAnother(page, guide, role)
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('alert')).toContainText('has a draft already')
  await expect(kept(page).getByRole('listitem')).toHaveCount(1)
  await expect(kept(page)).toContainText('lake-writer')
  await pictures(page, 'policy-kept-drafts')
  await kept(page).getByRole('button', { name: 'Open the draft of lake-writer' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(page.getByRole('row', { name: /admin/ })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Undo' })).toBeEnabled()

  // What nobody changed is not kept; what was changed is, also beyond the window.
  await page.getByRole('button', { name: 'Open another…' }).click()
  await expect(kept(page)).toHaveCount(0)
  await page.keyboard.press('Escape')
  await pasteAnother(page, databricks(), '')
  await pasteOver(page, guide)
  await expect(page.locator('.lead')).toContainText('The draft')
  await page.waitForResponse('**/call/policy_draft_save')
  await page.reload()
  await expect(page.locator('.lead')).toContainText('The draft')
  await page.getByRole('button', { name: 'Open another…' }).click()
  await kept(page).getByRole('button', { name: 'Remove the draft of lake-writer' }).click()
  await expect(kept(page).getByRole('button', { name: 'Keep', exact: true })).toBeFocused()
  await page.keyboard.press('Enter')
  const remove = kept(page).getByRole('button', { name: 'Remove the draft of lake-writer' })
  await expect(remove).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(kept(page)).toContainText('Nothing in AWS is changed.')
  await kept(page).getByRole('button', { name: 'Remove the draft' }).click()
  await expect(kept(page)).toHaveCount(0)
})

test('a long history is read a page at a time', async ({ page, product }) => {
  const asked: (string | null)[] = []
  await page.route('**/call/role_history', async (route) => {
    const { request } = JSON.parse(route.request().postData()!) as {
      request: { before: string | null }
    }
    asked.push(request.before)
    const from = request.before === null ? 250 : Number(request.before.slice(1)) - 1
    const changes = Array.from({ length: Math.min(100, from) }, (_, at) => ({
      id: `c${from - at}`,
      at: '2026-11-20T10:00:00Z',
      by: 'arn:aws:iam::123456789012:user/me',
      role: `arn:aws:iam::123456789012:role/writer-${from - at}`,
      role_id: 'AROA1',
      state: 'done',
      before: databricks(),
      after: meanwhile,
      cells: [],
      request_id: null,
      restores: null,
      endpoint: null,
      error: null,
    }))
    const next = from > changes.length ? changes.at(-1)!.id : undefined
    await route.fulfill({ body: `${JSON.stringify({ answer: { v: 1, changes, next } })}\n` })
  })
  await page.goto(`${product.url}#/policy`)
  await page.getByRole('button', { name: 'History' }).click()
  const list = page.getByRole('listbox', { name: 'Changes' })
  await expect(list.getByRole('option').first()).toContainText('writer-250')
  expect(asked).toEqual([null])
  // A page that has been asked for may not be there yet when the list is at its end.
  const scroll = async () => {
    await list.evaluate((element) => (element.scrollTop = element.scrollHeight))
    return asked
  }
  await expect.poll(scroll).toEqual([null, 'c151'])
  await expect.poll(scroll).toEqual([null, 'c151', 'c51'])
  await expect
    .poll(async () => {
      await scroll()
      return list.getByText('writer-1:').isVisible()
    })
    .toBe(true)
  await expect(list.getByText('writer-1:')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Show more' })).toHaveCount(0)
})
