// One login serves all later calls; when it has expired, the page asks for a code in place and continues.

import type { Page } from '@playwright/test'
import { testBetween } from './between'
import { databricks, roleName, workspaceId } from './policies'
import { expect, pictures, type Account, type Product } from './product'

const dialog = (page: Page) => page.getByRole('dialog')

async function give(at: ReturnType<Page['locator']> | Page, code: string): Promise<void> {
  await at.getByLabel('Code of the MFA device').fill(code)
  await at.getByRole('button', { name: 'Give the code' }).click()
}

/** Reads the role with a code, and drafts that Segment gets in. */
async function drafted(page: Page, product: Product, account: Account): Promise<void> {
  await account.role(roleName, databricks())
  await page.goto(`${product.url}#/policy`)
  await page.getByLabel('Role, its name or ARN').fill(roleName)
  await page.getByLabel('Profile of AWS’s configuration').selectOption('admin-mfa')
  await page.getByRole('button', { name: 'Read the role' }).click()
  await give(page, '111111')
  await expect(page.getByText('This is what AWS has')).toBeVisible()
  await page.getByRole('button', { name: 'Say its id… Segment' }).click()
  await page.getByRole('textbox', { name: 'External id' }).fill(workspaceId)
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('was denied')
}

testBetween(
  'one code serves reading, planning, writing and putting back',
  async ({ page, product, account, between }) => {
    let logins = 0
    between.fate = (action) => {
      if (action === 'AssumeRole') logins += 1
      return 'pass'
    }
    await drafted(page, product, account)
    await page.getByRole('button', { name: 'Review and apply…' }).click()
    await expect(dialog(page)).toContainText('Nothing has been sent yet')
    await page.keyboard.press('Control+Enter')
    await expect(dialog(page).locator('.pill')).toHaveText('Written')
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).last().click()
    await page.getByRole('button', { name: 'History' }).click()
    await dialog(page).getByRole('button', { name: 'Restore…' }).click()
    await expect(dialog(page)).toContainText('Put back the policy')
    await page.keyboard.press('Control+Enter')
    await expect(dialog(page).locator('.pill')).toHaveText('Written')
    expect(JSON.parse(await account.policy(roleName))).toEqual(JSON.parse(databricks()))
    expect(logins).toBe(1)
  },
)

testBetween(
  'a login that has ended is taken up where it ended',
  async ({ page, product, account, between }) => {
    await drafted(page, product, account)
    /** Ends the login that there is, until the next code. */
    const end = () => {
      between.fate = (action) => {
        if (action !== 'AssumeRole') return 'expire'
        between.fate = () => 'pass'
        return 'pass'
      }
    }
    end()
    await page.getByRole('button', { name: 'Review and apply…' }).click()
    await expect(page.getByRole('alert')).toContainText('has expired')
    await expect(dialog(page)).toHaveCount(0)
    await give(page, '222222')
    await expect(dialog(page)).toContainText('Nothing has been sent yet')

    end()
    await page.keyboard.press('Control+Enter')
    await expect(dialog(page).locator('.pill')).toHaveText('Not sent')
    await expect(dialog(page).getByRole('alert')).toContainText('has expired')
    await pictures(page, 'policy-plan-login')
    expect(await account.policy(roleName)).toBe(databricks())
    await give(dialog(page), '333333')
    await expect(dialog(page).locator('.pill')).toHaveText('Written')
    expect(await account.policy(roleName)).toContain(workspaceId)
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).last().click()

    end()
    await page.getByRole('button', { name: 'History' }).click()
    await dialog(page).getByRole('button', { name: 'Restore…' }).click()
    await expect(dialog(page).getByRole('alert')).toContainText('has expired')
    await give(dialog(page), '444444')
    await expect(dialog(page)).toContainText('Put back the policy')
  },
)
