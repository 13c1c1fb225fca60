// Profiles in Settings and in the rail: added, switched, read-only, edited and removed.

import { databricks, meanwhile, paste, pasteOver, role, roleName } from './policies'
import { accessible, expect, pictures, test, testAws } from './product'

test('a profile is added, used, edited and removed', async ({ page, product }) => {
  await page.goto(`${product.url}#/settings`)
  const list = page.getByRole('region', { name: 'Profiles' })
  const rail = page.getByLabel('Profile', { exact: true })
  await expect(list.getByRole('listitem')).toHaveCount(1)
  await expect(rail).toHaveValue('default')

  await list.getByRole('button', { name: 'Add a profile…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add a profile' })
  await dialog.getByLabel('Name').fill('Lake, production')
  await dialog.getByLabel('Copper').check()
  await dialog.getByLabel('Region').fill('somewhere')
  await dialog.getByRole('button', { name: 'Add profile' }).click()
  await expect(dialog.getByRole('alert')).toHaveText(
    'somewhere is not an AWS region. Enter a region such as eu-central-1.',
  )
  await pictures(page, 'profile-refused')
  await dialog.getByLabel('Region').fill('eu-central-1')
  await dialog.getByLabel('Account id').fill('123456789012')
  await dialog.getByLabel('Segment writes').check()
  await dialog.getByRole('button', { name: 'Add profile' }).click()
  await expect(dialog).toBeHidden()
  const added = list.getByRole('listitem').filter({ hasText: 'Lake, production' })
  await expect(added).toContainText('Default credential chain, eu-central-1')

  // The draft of one profile is not that of another.
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  await rail.selectOption({ label: 'Lake, production' })
  await expect(page.getByRole('heading', { name: 'Paste a policy' })).toBeVisible()
  await rail.selectOption({ label: 'default' })
  await expect(page.getByText('UnityCatalogAssumeRole').first()).toBeVisible()
  await rail.selectOption({ label: 'Lake, production' })

  await rail.selectOption({ label: 'Manage profiles…' })
  await expect(added).toContainText('In use')
  await expect(rail).toHaveValue(/./)
  await added.getByRole('button', { name: 'Edit Lake, production' }).click()
  const edit = page.getByRole('dialog')
  await edit.getByLabel('Read-only').check()
  await edit.getByRole('button', { name: 'Save' }).click()
  await expect(added).toContainText('Read-only')
  await expect(page.getByRole('navigation').getByText('Read-only')).toBeAttached()
  await pictures(page, 'settings-profiles')
  await added.getByRole('button', { name: 'Edit Lake, production' }).click()
  await expect(edit.getByLabel('Account id')).toHaveValue('123456789012')
  await pictures(page, 'profile-edit')
  await page.keyboard.press('Escape')

  // An endpoint that a page names is asked about.
  await product.play({ confirm: false })
  await added.getByRole('button', { name: 'Edit Lake, production' }).click()
  await edit.getByLabel('Endpoint').fill('http://127.0.0.1:1')
  await edit.getByRole('button', { name: 'Save' }).click()
  await expect(edit.getByRole('alert')).toContainText('was not confirmed')
  expect((await product.asked()).join()).toContain('`http://127.0.0.1:1`')
  await page.keyboard.press('Escape')

  await list.getByRole('button', { name: 'Remove default' }).click()
  await expect(list.getByRole('button', { name: 'Keep', exact: true })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(list.getByRole('button', { name: 'Remove default' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(list).toContainText('Nothing remote is changed.')
  await accessible(page)
  await list.getByRole('button', { name: 'Remove default' }).click()
  await expect(list.getByRole('listitem')).toHaveCount(1)
})

testAws(
  'a read-only profile shows a plan and does not apply it',
  async ({ page, product, account }) => {
    const arn = await account.role(roleName, databricks())
    await page.goto(`${product.url}#/settings`)
    await page.getByRole('button', { name: 'Edit default' }).click()
    const edit = page.getByRole('dialog')
    await edit.getByLabel('Read-only').check()
    await edit.getByLabel('Role that writers assume').fill(arn)
    await edit.getByRole('button', { name: 'Save' }).click()
    await expect(edit).toBeHidden()

    await page.goto(`${product.url}#/policy`)
    await expect(page.getByLabel('Role, its name or ARN')).toHaveValue(arn)
    await page.getByRole('button', { name: 'Read the role' }).click()
    await pasteOver(page, meanwhile)
    await page.getByRole('button', { name: 'Review and apply…' }).click()
    const plan = page.getByRole('dialog')
    const apply = plan.getByRole('button', { name: /^Apply/ })
    await expect(apply).toBeDisabled()
    await expect(plan).toContainText('Profile default is read-only. Switch that off in Settings')
    await pictures(page, 'plan-read-only')
    // What a page could send all the same is refused.
    const answer = await page.evaluate(async () => {
      const access = { profile: null, region: null, mfa_code: null }
      const body = JSON.stringify({ call: 'own', request: { plan: 'any', access } })
      return (await fetch('/call/role_apply', { method: 'POST', body })).text()
    })
    expect(JSON.parse(answer)).toMatchObject({ failure: { code: 'read_only' } })
    expect(JSON.parse(await account.policy(roleName))).toEqual(JSON.parse(databricks()))
  },
)

test('a switch that fails leaves the profile in use, and says so', async ({ page, product }) => {
  const failure = {
    code: 'profile_not_found',
    message: 'There is no profile `Second`.',
    hint: null,
    field: null,
    retryable: false,
    trace: null,
  }
  await page.goto(`${product.url}#/settings`)
  await page.getByRole('button', { name: 'Add a profile…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Second')
  await dialog.getByRole('button', { name: 'Add profile' }).click()
  await expect(dialog).toHaveCount(0)
  await page.route('**/call/profiles_use', (route) =>
    route.fulfill({ body: `${JSON.stringify({ failure })}\n` }),
  )
  const choice = page.getByRole('combobox', { name: 'Profile' })
  await choice.selectOption('Second')
  await expect(page.getByRole('alert')).toContainText('Not switched')
  await pictures(page, 'profile-not-switched')
  await expect(choice.locator('option:checked')).toHaveText('default')
})
