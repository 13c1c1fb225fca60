// Outcomes of a change of a trust policy, and how the page reports them: unknown, stopped, written although the
// journal failed, and while the window waits for it.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Page } from '@playwright/test'
import { testBetween, type Fate } from './between'
import { databricks, pasteOver, role, roleName, workspaceId } from './policies'
import { expect, pictures, test, testAws, type Account, type Product } from './product'

const dialog = (page: Page) => page.getByRole('dialog')

/** Reads the role, and shows the plan that lets Segment in. */
async function planned(page: Page, product: Product, account: Account): Promise<void> {
  await account.role(roleName, databricks())
  await page.goto(`${product.url}#/policy`)
  await page.getByLabel('Role, its name or ARN').fill(roleName)
  await page.getByRole('button', { name: 'Read the role' }).click()
  await expect(page.getByText('This is what AWS has')).toBeVisible()
  await page.getByRole('button', { name: 'Say its id… Segment' }).click()
  await page.getByRole('textbox', { name: 'External id' }).fill(workspaceId)
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('was denied')
  await page.getByRole('button', { name: 'Review and apply…' }).click()
  await expect(dialog(page)).toContainText('Nothing has been sent yet')
}

/** An outcome that is not known: a question, nothing that looks or reads like a refusal. */
async function unknown(page: Page): Promise<void> {
  await expect(dialog(page).locator('.pill')).toHaveText('Unknown', { timeout: 40_000 })
  await expect(dialog(page)).toContainText(
    'AWS may have taken it. Read the role again to see which policy it has.',
  )
  await expect(dialog(page).locator('.status.failed, .failure.failed')).toHaveCount(0)
  for (const part of ['header', '.calls'])
    await expect(dialog(page).locator(part)).not.toContainText(
      /refused|failed|not (written|changed)/i,
    )
  await expect(dialog(page).getByRole('button', { name: 'Read the role again' })).toHaveClass(
    /primary/,
  )
}

const cannotBeRead = (fate: Fate) => (action: string, wrote: number) =>
  action === 'UpdateAssumeRolePolicy' ? fate : action === 'GetRole' && wrote > 0 ? 'fail' : 'pass'

testBetween(
  'an answer that is lost is no refusal, and the role tells',
  async ({ page, product, account, between }) => {
    await planned(page, product, account)
    between.fate = cannotBeRead('lose')
    await page.keyboard.press('Control+Enter')
    await unknown(page)
    await pictures(page, 'policy-plan-unknown')
    expect(await account.policy(roleName)).toContain(workspaceId)

    // It can still not be read: that is said, and can be tried again.
    await dialog(page).getByRole('button', { name: 'Read the role again' }).click()
    await expect(dialog(page).locator('.refused')).toBeVisible({ timeout: 40_000 })
    await expect(dialog(page).locator('.pill')).toHaveText('Unknown')
    between.fate = () => 'pass'
    await dialog(page).getByRole('button', { name: 'Try again' }).click()
    await expect(dialog(page)).toContainText(`${roleName} has the new policy.`)
    await expect(dialog(page).getByRole('button', { name: 'Read the role again' })).toHaveCount(0)
    await pictures(page, 'policy-plan-unknown-read')
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).last().click()
    await expect(page.getByText('This is what AWS has')).toBeVisible()
    await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('Allowed')

    await page.getByRole('button', { name: 'History' }).click()
    await expect(dialog(page).getByRole('option', { name: /^Unknown/ })).toBeVisible()
    await expect(dialog(page).locator('.change')).toContainText('Read the role again')
    await pictures(page, 'policy-history-unknown')
  },
)

testBetween(
  'an error of AWS’s own is not known either',
  async ({ page, product, account, between }) => {
    await planned(page, product, account)
    between.fate = cannotBeRead('fail')
    await page.keyboard.press('Control+Enter')
    await unknown(page)
    between.fate = () => 'pass'
    await page.keyboard.press('Control+Enter')
    await expect(dialog(page)).toContainText(`${roleName} has the policy that it had before.`)
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).last().click()
    expect(await account.policy(roleName)).toBe(databricks())
    // The draft is kept, and can be planned again.
    await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('was denied')
    await expect(page.getByRole('button', { name: 'Review and apply…' })).toBeEnabled()
  },
)

testBetween('what was not sent yet can be stopped', async ({ page, product, account, between }) => {
  await planned(page, product, account)
  let release = () => {}
  const held = new Promise<void>((go) => (release = go))
  let waits = false
  between.fate = async (action) => {
    if (action === 'GetRole') {
      waits = true
      await held
    }
    return 'pass'
  }
  await page.keyboard.press('Control+Enter')
  await expect(dialog(page)).toContainText('Applying')
  await expect.poll(() => waits).toBe(true)
  await expect(dialog(page)).toContainText('Looking whether the policy is still the one above')
  await expect(dialog(page)).toContainText('Closing this dialog does not stop the change.')
  await pictures(page, 'policy-plan-checking')
  await dialog(page).getByRole('button', { name: 'Stop' }).click()
  await expect(dialog(page)).toContainText('What was sent cannot be taken back.')
  release()
  await expect(dialog(page).locator('.pill')).toHaveText('Not written')
  await expect(dialog(page)).toContainText('Stopped before it was written')
  await pictures(page, 'policy-plan-cancelled')
  expect(await account.policy(roleName)).toBe(databricks())
})

testBetween(
  'a dialog that is closed stops nothing, and history has the end',
  async ({ page, product, account, between }) => {
    await planned(page, product, account)
    let release = () => {}
    const held = new Promise<void>((go) => (release = go))
    between.fate = async (action) => {
      if (action === 'UpdateAssumeRolePolicy') await held
      return 'pass'
    }
    await page.keyboard.press('Control+Enter')
    await expect(dialog(page)).toContainText('Call 2 of 3')
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).last().click()
    await page.getByRole('button', { name: 'History' }).click()
    await expect(dialog(page).getByRole('option', { name: /^Running/ })).toBeVisible()
    await pictures(page, 'policy-history-running')
    release()
    await expect(dialog(page).getByRole('option', { name: /^Written/ })).toBeVisible()
    await page.keyboard.press('Escape')
    await expect(page.getByText('This is what AWS has')).toBeVisible()
  },
)

testBetween(
  'a change that ends while another page is open is in the draft',
  async ({ page, product, account, between }) => {
    await planned(page, product, account)
    let release = () => {}
    const held = new Promise<void>((go) => (release = go))
    between.fate = async (action) => {
      if (action === 'UpdateAssumeRolePolicy') await held
      return 'pass'
    }
    await page.keyboard.press('Control+Enter')
    await expect(dialog(page)).toContainText('Call 2 of 3')
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).last().click()
    await page.getByRole('link', { name: 'Tables', exact: true }).click()
    await expect(page.getByRole('heading', { name: 'Tables', level: 1 })).toBeVisible()
    const kept = page.waitForResponse('**/call/policy_draft_save')
    release()
    await (await kept).finished()
    await page.getByRole('link', { name: 'Trust policy', exact: true }).click()
    await expect(page.getByText('This is what AWS has')).toBeVisible()
    await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('Allowed')
    await page.reload()
    await expect(page.getByText('This is what AWS has')).toBeVisible()
  },
)

/** Holds the database, so that nobody else can write to it. Returns what lets go of it. */
async function locked(product: Product): Promise<() => void> {
  const holds = `
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
`
  const python = join(import.meta.dirname, '../../.venv/bin/python')
  const holder = spawn(python, ['-c', holds, join(product.data, 'headgate.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: holder.stdout })) {
    if (line === 'held') return () => holder.kill()
  }
  throw new Error('the database could not be held')
}

testBetween(
  'a history that could not be written stands beside the success',
  async ({ page, product, account, between }) => {
    await planned(page, product, account)
    let letGo = () => {}
    between.fate = async (action) => {
      if (action === 'UpdateAssumeRolePolicy') letGo = await locked(product)
      return 'pass'
    }
    await page.keyboard.press('Control+Enter')
    await expect(dialog(page).locator('.pill')).toHaveText('Written', { timeout: 30_000 })
    await expect(dialog(page)).toContainText('One thing changed')
    await expect(dialog(page).getByRole('alert')).toContainText(
      'The role has the new policy. The history could not be written:',
    )
    await pictures(page, 'policy-plan-unrecorded')
    expect(await account.policy(roleName)).toContain(workspaceId)
    await dialog(page).getByRole('button', { name: 'Close', exact: true }).last().click()
    // The same folder keeps the draft.
    await expect(page.getByText('The draft is not kept')).toBeVisible({ timeout: 15_000 })
    await pictures(page, 'policy-unkept')
    letGo()
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect(page.getByText('The draft is not kept')).toHaveCount(0)
  },
)

testAws(
  'a plan that opens the role says so before anything else',
  async ({ page, product, account }) => {
    await account.role(roleName, databricks())
    await page.goto(`${product.url}#/policy`)
    await page.getByLabel('Role, its name or ARN').fill(roleName)
    await expect(page.getByRole('list', { name: /Endpoints/ })).toContainText(
      `IAM is reached at ${account.url}`,
    )
    await page.getByRole('button', { name: 'Read the role' }).click()
    await expect(page.getByText('This is what AWS has')).toBeVisible()
    await expect(page.getByRole('list', { name: /Endpoints/ })).toContainText(
      `STS is reached at ${account.url}`,
    )
    await page.getByRole('tab', { name: 'Draft' }).click()
    await pasteOver(
      page,
      `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*","${role}"]},"Action":"sts:AssumeRole"}]}`,
    )
    await page.getByRole('button', { name: 'Review and apply…' }).click()
    const first = dialog(page).locator('.dialog-body > *').first()
    await expect(first).toContainText('opens the role to everyone')
    await expect(first).toHaveClass(/security/)
    await expect(first).toHaveRole('alert')
    await expect(dialog(page).getByRole('list', { name: /Endpoints/ })).toContainText(
      'IAM is reached',
    )
    await pictures(page, 'policy-plan-opens')
  },
)

test('a window that waits to close says what for, and offers nothing', async ({
  page,
  product,
}) => {
  const event = { kind: 'closing', commands: ['role_apply'] }
  const events = JSON.stringify({ progress: { kind: 'host', event } })
  await page.route('**/call/events_follow', (route) => route.fulfill({ body: `${events}\n` }))
  await page.goto(`${product.url}#/policy`)
  const notice = page.locator('.closing')
  await expect(notice).toContainText('Finishing a change before Headgate closes…')
  await expect(notice.getByRole('button')).toHaveCount(0)
  const box = (await notice.locator('.banner').boundingBox())!
  expect([box.x, box.y, box.width]).toEqual([0, 0, 1280])
  await page.screenshot({ path: join(import.meta.dirname, 'screens/closing-light.png') })
  await page.getByRole('button', { name: 'History' }).click()
  await page.emulateMedia({ colorScheme: 'dark' })
  await expect(notice.locator('.banner')).toBeInViewport()
  await page.screenshot({ path: join(import.meta.dirname, 'screens/closing-dark.png') })
})
