// The trust policy page in every state, in both themes and two sizes.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, picture, pictures, test, testAws } from './product'
import {
  credentialId,
  databricks,
  guide,
  meanwhile,
  paste,
  pasteOver,
  patterns,
  role,
  roleName,
  segment,
  workspaceId,
  worst,
} from './policies'

test('before a policy, and what can be asked of it', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await expect(page.getByRole('heading', { name: 'Paste a policy' })).toBeVisible()
  await pictures(page, 'policy-empty')
  await paste(page, databricks('0000'), role)
  await pictures(page, 'policy-placeholder')
})

test('a policy is taken from the clipboard, and nothing else is', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  const text = page.getByLabel('Trust policy, as JSON')
  await product.play({ copied: 'hunter2, a password' })
  await page.getByRole('button', { name: 'Paste', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText(
    'The clipboard does not contain a trust policy',
  )
  await expect(text).toHaveValue('')
  await product.play({ copied: databricks() })
  await page.getByRole('button', { name: 'Paste', exact: true }).click()
  await expect(text).toHaveValue(databricks())
  await expect(page.getByRole('alert')).toHaveCount(0)
  await page.getByRole('button', { name: 'Look at it' }).click()
  await expect(page.getByRole('grid')).toContainText('Unity Catalog')
})

test('a file that is dropped on the page is opened as a policy', async ({ page, product }) => {
  const file = (name: string, text: string) => {
    const path = join(product.folder, name)
    writeFileSync(path, text)
    return path
  }
  const printed = {
    Role: { Arn: role, AssumeRolePolicyDocument: JSON.parse(databricks()) as object },
  }
  await page.goto(`${product.url}#/policy`)
  await expect(page.getByRole('heading', { name: 'Paste a policy' })).toBeVisible()
  await product.play({ over: true })
  await expect(page.getByText('Drop a file with a trust policy to open it')).toBeVisible()
  await product.play({ dropped: [file('events.json', '{"type":"track"}')] })
  await expect(page.getByRole('alert')).toContainText('is not a trust policy')
  await pictures(page, 'policy-not-dropped')
  await product.play({ dropped: [file('role.json', JSON.stringify(printed))] })
  await expect(page.getByRole('grid')).toContainText('Unity Catalog')
  await expect(page.locator('main header')).toContainText(roleName)
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('Terraform gets the role, its import, or the policy alone', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Terraform').check({ force: true })
  const text = dialog.getByRole('region', { name: 'Terraform' })
  await expect(text).toContainText(`resource "aws_iam_role" "${roleName}"`)
  await expect(dialog).toContainText('of a role that exists, apply fails')
  for (const [form, begins] of [
    ['terraform_import', 'import {'],
    ['terraform_document', 'data "aws_iam_policy_document"'],
    ['terraform_jsonencode', 'jsonencode({'],
  ] as const) {
    await dialog.getByLabel('As what').selectOption(form)
    await expect(text).toContainText(begins)
  }
  await dialog.getByLabel('As what').selectOption('terraform_import')
  await expect(text).toContainText('ignore_changes')
  await pictures(page, 'policy-export-import')
})

testAws('a role is opened in the AWS console', async ({ page, product, account }) => {
  await account.role(roleName, databricks())
  await page.goto(`${product.url}#/policy`)
  await page.getByLabel('Role, its name or ARN').fill(roleName)
  await page.getByRole('button', { name: 'Read the role' }).click()
  const console = page.getByRole('button', { name: 'AWS console' })
  await expect(console).toHaveAttribute('title', 'Opens console.aws.amazon.com in the browser')
  await console.click()
  await expect
    .poll(() => product.told())
    .toEqual([
      `https://console.aws.amazon.com/iam/home#/roles/details/${roleName}?section=trust_relationships`,
    ])
})

test('a pasted policy and its draft', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  await expect(page.getByRole('grid')).toContainText('Unity Catalog')
  await pictures(page, 'policy')
  await page.getByRole('button', { name: 'Add a caller' }).click()
  await page.getByRole('radio', { name: 'Segment' }).check()
  await pictures(page, 'policy-add')
  await page.getByRole('textbox', { name: 'External id' }).fill(workspaceId)
  await page.getByRole('button', { name: 'Plan it' }).click()
  await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('was denied')
  await page
    .getByRole('row', { name: /^Segment/ })
    .getByText('was denied')
    .click()
  await expect(page.locator('.explain')).toContainText('Statement 3')
  await pictures(page, 'policy-draft')
  await page.getByText('Statements', { exact: true }).click()
  await pictures(page, 'policy-cards')
  await page.getByText('Matrix', { exact: true }).click()
  await page.getByRole('button', { name: 'Try a caller' }).click()
  await expect(page.getByRole('dialog')).toContainText('The draft')
  await pictures(page, 'policy-try')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  await expect(page.getByRole('region', { name: 'AWS CLI' })).toContainText('aws iam')
  await pictures(page, 'policy-export')
  await page.keyboard.press('Escape')
  await page.getByText('As in the guide').click()
  await pictures(page, 'policy-guide')
})

test('a policy with everything wrong', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, worst, role)
  await expect(page.getByRole('grid')).toContainText('Depends')
  await pictures(page, 'policy-worst')
  await page.locator('[data-finding]').first().click()
  await pictures(page, 'policy-finding')
  await page.getByText('Statements', { exact: true }).click()
  await pictures(page, 'policy-worst-cards')
})

test('text that is no policy', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks().slice(0, 400), role)
  await expect(page.getByRole('heading', { name: 'Problems' })).toBeVisible()
  await pictures(page, 'policy-half')
  await page.getByRole('button', { name: 'Open another…' }).click()
  await pictures(page, 'policy-open')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('policy_invalid')
  await pictures(page, 'policy-export-invalid')
})

test('how much room is left is said before it is gone', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  /** A policy that lets so many roles in. */
  const letsIn = (many: number) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: {
        Effect: 'Allow',
        Principal: {
          AWS: Array.from(
            { length: many },
            (_, at) => `arn:aws:iam::123456789012:role/writer-${at}`,
          ),
        },
        Action: 'sts:AssumeRole',
      },
    })
  const meter = page.getByRole('meter', { name: 'Policy size, characters' })
  await paste(page, letsIn(40), role)
  await expect(meter).toHaveClass(/warning/)
  await pasteOver(page, letsIn(60))
  await expect(meter).toHaveClass(/failed/)
  await picture(page, 'policy-too-large')
})

test('what could not be changed is said where it was, and shows what is in force', async ({
  page,
  product,
}) => {
  const failure = {
    code: 'policy_invalid',
    message: 'Not so.',
    hint: null,
    field: null,
    retryable: false,
    trace: null,
  }
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks())
  await page.route('**/call/policy_edit', (route) =>
    route.fulfill({ body: `${JSON.stringify({ failure })}\n` }),
  )
  await page.getByLabel('Statements').check({ force: true })
  const card = page.getByRole('listitem', { name: /^statement 1/ })
  await card.getByLabel('Deny').click({ force: true })
  await expect(card.getByRole('alert')).toContainText('Not so.')
  await expect(card.getByLabel('Allow')).toBeChecked()
  await pasteOver(page, 'x'.repeat(131_073))
  const text = page.getByRole('region', { name: 'The policy as text' })
  await expect(text.getByRole('alert')).toContainText('131,073 characters')
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  await page.getByLabel('The role’s name or ARN').fill('lake-writer')
  await expect(page.getByRole('region', { name: 'AWS CLI' })).toContainText('lake-writer')
})

test('a fix says which cells it changes', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  const account = {
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::595280932656:root' },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': workspaceId } },
  }
  await paste(page, JSON.stringify({ Version: '2012-10-17', Statement: account }), role)
  await page.locator('[data-finding]', { hasText: 'TP011' }).click()
  await expect(page.locator('.cells li').first()).toContainText('allowed, then denied')
})

test('callers and ids that only patterns name', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, patterns, role)
  await page.locator('td[tabindex="0"]').focus()
  await page.keyboard.press('e')
  await expect(page.locator('.explain')).toContainText('Statement 1')
  await pictures(page, 'policy-patterns')
})

test('a narrow window keeps everything in reach', async ({ page, product }) => {
  await page.setViewportSize({ width: 960, height: 700 })
  await page.goto(`${product.url}#/policy`)
  await picture(page, 'policy-narrow-empty')
  await paste(page, guide, role)
  await page.getByRole('switch', { name: 'Segment' }).click()
  await expect(page.locator('td.closed').first()).toBeVisible()
  await picture(page, 'policy-narrow')
  await page.getByLabel('Statements').check({ force: true })
  await picture(page, 'policy-narrow-cards')
  await page.getByRole('button', { name: 'Try a caller' }).click()
  await expect(page.getByRole('dialog')).toContainText('The draft')
  await picture(page, 'policy-narrow-try')
})

test('what a plan cannot do is said in its row', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, worst, role)
  await page.getByRole('button', { name: 'Say its id… Segment' }).click()
  await page.getByRole('textbox', { name: 'External id' }).fill(workspaceId)
  await page.getByRole('button', { name: /^Plan it/ }).click()
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Statement 3')
  await pictures(page, 'policy-add-refused')
  await page.keyboard.press('Escape')
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'Open another…' }).click()
  await dialog.getByLabel('Trust policy, as JSON').fill(guide)
  await dialog.getByLabel('The role’s ARN').fill(role)
  await dialog.getByRole('button', { name: 'Look at it' }).click()
  await page.getByRole('switch', { name: 'Segment' }).click()
  await expect(page.locator('td.closed').first()).toBeVisible()
  await page.getByRole('tab', { name: 'Draft' }).click()
  await pasteOver(page, worst)
  await expect(page.getByRole('row', { name: /^Account 595280932656/ })).toBeVisible()
  await page.getByRole('switch', { name: 'Segment' }).click()
  await expect(page.getByRole('alert')).toContainText('Not let in')
  await pictures(page, 'policy-refused')
  await page.getByRole('button', { name: 'Open another…' }).click()
  await dialog.getByLabel('Trust policy, as JSON').fill(encodeURIComponent(databricks()))
  await dialog.getByRole('button', { name: 'Look at it' }).click()
  await expect(page.getByRole('button', { name: 'Decode it', exact: true })).toBeVisible()
  await pictures(page, 'policy-encoded')
})

test('what is asked for and not there is said', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, guide, role)
  await page.getByLabel('Statements').check({ force: true })
  const first = page.getByRole('listitem', { name: /^statement 1/ })
  await first.getByRole('button', { name: `Remove value ${workspaceId}` }).click()
  await first.getByRole('button', { name: 'Split…' }).click()
  await first.getByRole('button', { name: 'Add condition' }).click()
  await expect(page.getByText('asked for and not allowed')).toBeVisible()
  await pictures(page, 'policy-cards-edit')
  await page.getByLabel('Matrix').check({ force: true })
  await pictures(page, 'policy-missing')
})

test('a draft in neither form', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, guide, role)
  await page.getByLabel('Statements').check({ force: true })
  await page.getByRole('button', { name: 'Add a statement', exact: true }).click()
  const second = page.getByRole('listitem', { name: /^statement 2/ })
  await second.getByRole('button', { name: 'Add principal' }).click()
  await page.keyboard.type(segment)
  await page.keyboard.press('Enter')
  await page.getByLabel('Matrix').check({ force: true })
  await expect(page.locator('.who-head')).toContainText('Custom')
  await pictures(page, 'policy-custom')
  await page.setViewportSize({ width: 960, height: 700 })
  await picture(page, 'policy-narrow-custom')
})

testAws('logins', async ({ page, product, account }) => {
  await account.role(roleName, databricks())
  await page.goto(`${product.url}#/policy`)
  await page.getByLabel('Role, its name or ARN').fill(roleName)
  await page.getByLabel('Profile of AWS’s configuration').selectOption('lake-sso')
  await page.getByRole('button', { name: 'Read the role' }).click()
  await expect(page.getByRole('alert')).toContainText('login')
  await expect(page.getByRole('button', { name: 'Copy command' })).toBeVisible()
  await pictures(page, 'policy-login')
  await page.getByLabel('Profile of AWS’s configuration').selectOption('admin-mfa')
  await page.getByText('Region', { exact: true }).click()
  await page.getByRole('button', { name: 'Read the role' }).click()
  await expect(page.getByLabel('Code of the MFA device')).toBeVisible()
  await pictures(page, 'policy-mfa')
  await page.getByLabel('Code of the MFA device').fill('123456')
  await page.getByRole('button', { name: 'Give the code' }).click()
  await expect(page.getByText('This is what AWS has')).toBeVisible()
})

testAws('from AWS and back', async ({ page, product, account }) => {
  await account.role(roleName, databricks(), { terraform: 'true' })
  await page.goto(`${product.url}#/policy`)
  await page.getByLabel('Role, its name or ARN').fill('nobody')
  await page.getByRole('button', { name: 'Read the role' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await pictures(page, 'policy-no-role')
  await page.getByLabel('Role, its name or ARN').fill(roleName)
  await page.getByRole('button', { name: 'Read the role' }).click()
  await expect(page.getByRole('grid')).toContainText('Unity Catalog')
  await pictures(page, 'policy-read')
  await page.getByRole('button', { name: 'Say its id… Segment' }).click()
  await page.getByRole('textbox', { name: 'External id' }).fill(workspaceId)
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('was denied')
  await page.getByRole('button', { name: 'Review and apply…' }).click()
  await expect(page.getByRole('dialog')).toContainText('Nothing has been sent yet')
  await pictures(page, 'policy-plan')

  await account.write(roleName, meanwhile)
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('dialog')).toContainText('AWS had a newer one')
  await pictures(page, 'policy-plan-stopped')
  await page.getByRole('button', { name: 'Show what changed' }).click()
  await expect(page.getByText('AWS has another policy since the draft began.')).toBeVisible()
  await pictures(page, 'policy-newer')
  await page.getByRole('button', { name: 'Rebase the draft' }).click()
  await expect(page.getByText('AWS has another policy since the draft began.')).toHaveCount(0)
  await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('was denied')
  await page.getByRole('button', { name: 'Review and apply…' }).click()
  await expect(page.getByRole('dialog')).toContainText('Nothing has been sent yet')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('dialog')).toContainText('One thing changed')
  await pictures(page, 'policy-plan-done')
  await page.getByRole('button', { name: 'Close', exact: true }).last().click()
  await page.getByRole('button', { name: 'History' }).click()
  await expect(page.getByRole('dialog').getByRole('option')).toHaveCount(2)
  await pictures(page, 'policy-history')
  expect(await account.policy(roleName)).toContain(credentialId)
  await page.keyboard.press('Escape')
  await page.getByRole('switch', { name: 'Segment' }).click()
  await page.getByRole('button', { name: 'Review and apply…' }).click()
  await expect(page.getByRole('dialog')).toContainText('1 cell closes')
  // The core never answers this one.
  await page.route('**/call/role_apply', () => {})
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('dialog')).toContainText('Applying')
  await pictures(page, 'policy-plan-running')
})
