// The trust policy page in use: with pasted policies and no account, by keyboard alone, with invalid text, and with
// an account that somebody else changes meanwhile.

import type { Page } from '@playwright/test'
import { expect, test, testAws } from './product'
import {
  catalog,
  credentialId,
  databricks,
  editor,
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

const row = (page: Page, name: string) => page.getByRole('row', { name: new RegExp(`^${name}`) })

/** The draft as it is kept, every byte of it. */
async function draft(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const body = JSON.stringify({ call: 'test', request: {} })
    const answer = await fetch('call/policy_draft', { method: 'POST', body })
    const said = JSON.parse(await answer.text()) as { answer: { draft: { text: string } | null } }
    return said.answer.draft?.text ?? ''
  })
}

async function addSegment(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Say its id… Segment' }).click()
  await page.getByRole('textbox', { name: 'External id' }).fill(workspaceId)
  await page.keyboard.press('Control+Enter')
  await expect(row(page, 'Segment')).toContainText('was denied')
}

test('Segment gets in, in both forms, and out again', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  await expect(page.getByText('Pasted, not compared with AWS.')).toBeVisible()
  await addSegment(page)
  await expect(page.locator('.lead')).toContainText('lets Segment in')
  // The same plan opens more cells in the other form, and both say how many.
  await expect(page.locator('.who-head')).toContainText('A statement eachopens 1')
  await expect(page.locator('.who-head')).toContainText('As in the guideopens 3')
  await expect(page.locator('td.opened')).toHaveCount(1)
  await page.getByLabel('As in the guide').check({ force: true })
  await expect(page.locator('td.opened')).toHaveCount(3)
  await page.getByLabel('A statement each').check({ force: true })
  await expect(page.locator('td.opened')).toHaveCount(1)
  await expect.poll(() => draft(page)).toContain('SegmentStorageDestinations')

  await page.getByRole('switch', { name: 'Segment' }).click()
  await expect(page.locator('td.opened')).toHaveCount(0)
  await expect.poll(() => draft(page)).toBe(databricks())
  await page.getByRole('switch', { name: 'Segment' }).click()
  await expect(page.locator('td.opened')).toHaveCount(1)
  await page.getByRole('button', { name: 'Discard draft' }).click()
  await expect(page.getByText('Nothing is changed.')).toBeVisible()
  await expect.poll(() => draft(page)).toBe(databricks())
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.locator('td.opened')).toHaveCount(1)
})

const eachForm = (page: Page) => page.getByRole('radio', { name: /^A statement each/ })
const guideForm = (page: Page) => page.getByRole('radio', { name: /^As in the guide/ })

for (const form of ['separate', 'guide'] as const) {
  test(`a draft in the form ${form} is lit as such after a restart, and the other form plans`, async ({
    page,
    product,
  }) => {
    await page.goto(`${product.url}#/policy`)
    await paste(page, databricks(), role)
    const [own, others] =
      form === 'guide' ? [guideForm(page), eachForm(page)] : [eachForm(page), guideForm(page)]
    const [opened, after] = form === 'guide' ? [3, 1] : [1, 3]
    const says = (cells: number) =>
      cells === 1 ? 'lets Segment in' : 'lets Segment in, opens 3 cells'
    await own.check({ force: true })
    await addSegment(page)
    await expect(page.locator('td.opened')).toHaveCount(opened)
    await expect.poll(() => draft(page)).toContain(workspaceId)
    const was = await draft(page)

    await page.reload()
    await expect(page.locator('td.opened')).toHaveCount(opened)
    await expect(own).toBeChecked()
    await expect(others).not.toBeChecked()
    await expect(page.locator('.lead')).toContainText(says(opened))
    await expect(page.locator('.who-head')).toContainText('A statement eachopens 1')
    await expect(page.locator('.who-head')).toContainText('As in the guideopens 3')

    await others.check({ force: true })
    await expect(page.locator('td.opened')).toHaveCount(after)
    await expect(page.locator('.lead')).toContainText(says(after))
    await expect(others).toBeChecked()
    await expect.poll(() => draft(page)).not.toBe(was)
    expect(await draft(page)).toContain(workspaceId)
    await own.check({ force: true })
    await expect(page.locator('td.opened')).toHaveCount(opened)
    await expect.poll(() => draft(page)).toBe(was)
  })
}

test('the form that is lit is that of the policy, and what is neither is called custom', async ({
  page,
  product,
}) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, guide, role)
  await expect(guideForm(page)).toBeChecked()
  await eachForm(page).check({ force: true })
  await expect(page.locator('td.closed')).toHaveCount(3)
  await expect(eachForm(page)).toBeChecked()
  await expect.poll(() => draft(page)).toContain('SegmentStorageDestinations')

  // One more statement for one who is in the guide's already.
  const [open, close] = [guide.slice(0, guide.indexOf('    {')), '  ]\n}\n']
  const statements = guide.slice(open.length, guide.indexOf(close))
  const more = statements.replace(/\[\s+"[^"]+catalog[^\]]+\]/, `"${segment}"`)
  await page.getByRole('tab', { name: 'Draft' }).click()
  await pasteOver(page, `${open}${statements.trimEnd()},\n${more}${close}`)
  await expect(page.locator('.who-head')).toContainText('Custom')
  await expect(guideForm(page)).not.toBeChecked()
  await expect(eachForm(page)).not.toBeChecked()
  await guideForm(page).check({ force: true })
  await expect(guideForm(page)).toBeChecked()
  await expect(page.locator('.who-head')).not.toContainText('Custom')
  await expect.poll(async () => (await draft(page)).split(segment)).toHaveLength(2)

  // A form that is refused is not lit.
  const denied = guide.replace(
    '"Statement": [',
    `"Statement": [{"Effect":"Deny","Principal":{"AWS":"${segment}"},"Action":"sts:AssumeRole"},`,
  )
  await pasteOver(page, denied)
  await expect(row(page, 'Segment')).toContainText('Denied')
  await eachForm(page).check({ force: true })
  await expect(page.getByRole('alert')).toContainText('Not planned')
  await expect(guideForm(page)).toBeChecked()
  await expect.poll(() => draft(page)).toBe(denied)
})

test('the steps of a draft outlive the page and a restart', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  await addSegment(page)
  await expect.poll(() => draft(page)).toContain(workspaceId)
  const planned = await draft(page)
  await guideForm(page).check({ force: true })
  await expect(page.locator('td.opened')).toHaveCount(3)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.locator('td.opened')).toHaveCount(1)
  for (const leave of [
    async () => {
      await page.getByRole('link', { name: 'Tables', exact: true }).click()
      await page.getByRole('link', { name: 'Trust policy', exact: true }).click()
    },
    () => page.reload(),
  ]) {
    await leave()
    await expect(page.locator('td.opened')).toHaveCount(1)
    await page.getByRole('button', { name: 'Redo' }).click()
    await expect(page.locator('td.opened')).toHaveCount(3)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect(page.getByText('Nothing is changed.')).toBeVisible()
    await page.getByRole('button', { name: 'Redo' }).click()
    await expect.poll(() => draft(page)).toBe(planned)
  }
})

test('a placeholder is filled by the id that is said', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks('0000'), role)
  await page.getByRole('button', { name: 'Say its id… Unity Catalog' }).click()
  await page.getByRole('textbox', { name: 'External id' }).fill('<the id>')
  await page.getByRole('button', { name: /^Plan it/ }).click()
  await expect(page.getByRole('alert')).toContainText('a placeholder is left in it')
  await page.getByRole('textbox', { name: 'External id' }).fill(credentialId)
  await page.getByRole('button', { name: /^Plan it/ }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page.locator('td.opened')).toHaveCount(2)
  await expect(page.locator('td.closed')).toHaveCount(2)
  await expect.poll(() => draft(page)).toBe(databricks())
})

test('findings are mended with one key, and steps taken back', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, worst, role)
  await page.getByRole('heading', { level: 1 }).focus()
  await page.keyboard.press(']')
  await expect(page.locator('[data-finding]').first()).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.locator('.facts')).toContainText('Means')
  const fixable = page.locator('li', { has: page.locator('[data-fix]') })
  const count = await fixable.count()
  expect(count).toBeGreaterThan(1)
  await fixable.last().locator('[data-finding]').focus()
  await page.keyboard.press('f')
  await expect(fixable).toHaveCount(count - 1)
  await expect(page.getByText(/TP\d+ is mended by the draft/)).toBeVisible()
  await page.keyboard.press('Control+z')
  await expect(fixable).toHaveCount(count)
  await page.keyboard.press('Control+Shift+z')
  await expect(fixable).toHaveCount(count - 1)
  await page.keyboard.press('Control+z')
  await page.keyboard.press('[')
  await expect.poll(() => draft(page)).toBe(worst)
})

test('the whole matter without a pointer', async ({ page, product }) => {
  await page.goto(product.url)
  await expect(page.getByRole('button', { name: 'Sync the sample' })).toBeEnabled()
  await page.keyboard.press('Control+2')
  await expect(page.getByRole('heading', { name: 'Trust policy', level: 1 })).toBeFocused()
  await page.keyboard.press('Control+k')
  await page.keyboard.type('paste a trust')
  await expect(page.getByRole('option', { name: /Paste a trust policy/ })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Trust policy, as JSON')).toBeFocused()
  await page.keyboard.insertText(databricks())
  await page.keyboard.press('Tab')
  await page.keyboard.type(role)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('grid')).toBeVisible()

  // The matrix is one stop; arrows move, E explains.
  await page.locator('td[tabindex="0"]').focus()
  await page.keyboard.press('e')
  await expect(page.locator('.explain')).toContainText('Statement 1')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Enter')
  await expect(page.locator('.explain h3')).toHaveText(
    'This role itself, with any other id, or none',
  )
  await page.keyboard.press('Home')
  await page.keyboard.press('e')
  await page.getByRole('button', { name: 'Statement 2, line 11' }).focus()
  await page.keyboard.press('Enter')
  await expect(editor(page)).toBeFocused()

  // Letters belong to the text now; undo is the page's.
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.type('rf')
  await expect(page.getByRole('heading', { name: 'Problems' })).toBeVisible()
  await page.keyboard.press('Control+z')
  await expect(page.getByRole('heading', { name: 'Findings' })).toBeVisible()
  await expect.poll(() => draft(page)).toBe(databricks())

  await page.getByRole('separator', { name: 'Height of the text' }).focus()
  const height = async () => (await page.locator('.editor').boundingBox())!.height
  const before = await height()
  await page.keyboard.press('Home')
  await expect.poll(height).toBeGreaterThan(before + 100)
  await page.keyboard.press('End')
  await expect.poll(height).toBeLessThan(before)

  await page.keyboard.press('Control+k')
  await page.keyboard.type('try a caller')
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Try a caller' })
  await expect(dialog.getByRole('heading', { name: 'Try a caller' })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
})

test('text that is no policy is kept, and says why', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  // Half of it: the matrix stays as of the last valid text.
  const half = databricks().slice(0, 500)
  await pasteOver(page, half)
  await expect(page.getByRole('heading', { name: 'Problems' })).toBeVisible()
  await expect(page.locator('.who-head')).toContainText('As of the last valid text')
  await expect(row(page, 'Unity Catalog')).toContainText('Allowed')
  await expect(page.locator('.lead')).toContainText('The draft is kept.')

  // It outlives the page, and a reload.
  await page.getByRole('link', { name: 'Tables', exact: true }).click()
  await page.getByRole('link', { name: 'Trust policy', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Problems' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { name: 'Problems' })).toBeVisible()
  await expect.poll(() => draft(page)).toBe(half)

  // Too much is not taken, and what was there stays.
  await page.getByRole('tab', { name: 'Draft' }).click()
  await pasteOver(page, 'x'.repeat(1_000_000))
  await expect(page.getByText('1,000,000 characters are more than AWS takes')).toBeVisible()
  await expect.poll(() => draft(page)).toBe(half)
  await expect(editor(page)).toContainText('UnityCatalogAssumeRole')
})

test('typing replaces what is selected, over lines too', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  await editor(page).click()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('[]')
  await expect(editor(page)).toHaveText('[]')
  await expect(page.getByText('A policy is one JSON object').first()).toBeVisible()
  await page.keyboard.press('Control+z')
  await expect(page.getByText('Nothing is changed.')).toBeVisible()
  await editor(page).click()
  await page.keyboard.press('Control+Home')
  for (let line = 0; line < 5; line += 1) await page.keyboard.press('Shift+ArrowDown')
  await page.keyboard.press('Delete')
  await expect.poll(() => draft(page)).toBe(databricks().split('\n').slice(5).join('\n'))
})

test('what is typed before there is a draft outlives the page', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await page.getByLabel('Role, its name or ARN').fill('lake')
  await page.getByLabel('Trust policy, as JSON').fill('half a pol')
  await page.getByRole('link', { name: 'Tables', exact: true }).click()
  await page.getByRole('link', { name: 'Trust policy', exact: true }).click()
  await expect(page.getByLabel('Trust policy, as JSON')).toHaveValue('half a pol')
  await expect(page.getByLabel('Role, its name or ARN')).toHaveValue('lake')
})

test('a caller stays as it was typed when its role gets a name', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks())
  await page.getByRole('button', { name: 'Add a caller' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: 'Another caller' }).check()
  await dialog.getByLabel('Caller, a role, a user').fill('arn:aws:iam::210987654321:role/etl')
  await dialog.getByRole('textbox', { name: 'External id' }).fill('etl-4711')
  await dialog.getByLabel('The role’s own ARN').fill('no role')
  await dialog.getByRole('button', { name: /^Plan it/ }).click()
  await expect(dialog.getByRole('alert')).toContainText('is no role’s ARN')
  await dialog.getByLabel('The role’s own ARN').fill(role)
  await dialog.getByRole('button', { name: /^Plan it/ }).click()
  await expect(dialog).toHaveCount(0)
  await expect(row(page, 'etl')).toContainText('was denied')
  await expect.poll(() => draft(page)).toContain('etl-4711')
})

test('the focus goes on where its place was', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks(), role)
  // A row loses its button, a finding its fix, a statement its value.
  await page.getByRole('button', { name: 'Say its id… Segment' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('textbox', { name: 'External id' }).fill(workspaceId)
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(row(page, 'Segment')).toContainText('was denied')
  const inside = () => page.evaluate(() => document.activeElement?.closest('main') !== null)
  await expect.poll(inside).toBe(true)
  await page.locator('[data-finding]').last().focus()
  await page.keyboard.press('f')
  await expect(page.locator('[data-finding]')).toHaveCount(0)
  await expect.poll(inside).toBe(true)
  await page.getByLabel('Statements').check({ force: true })
  const third = page.getByRole('listitem', { name: /^statement 3/ })
  await third.getByRole('button', { name: /^Change principal/ }).click()
  await page.keyboard.press('Control+a')
  await page.keyboard.type('arn:aws:iam::595280932656:role/other')
  await page.keyboard.press('Enter')
  const anew = third.getByRole('button', { name: /^Change principal/ })
  await expect(anew).toContainText('other')
  await expect(anew).toBeFocused()
  await third.getByRole('button', { name: 'Remove', exact: true }).focus()
  await page.keyboard.press('Enter')
  await expect(third).toHaveCount(0)
  await expect.poll(inside).toBe(true)
})

test('what a pattern lets in is called after it', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, patterns, role)
  await expect(page.getByRole('columnheader', { name: 'Ids like crm-*' })).toBeVisible()
  await expect(row(page, 'Such as team-any')).toContainText('Allowed')
  await page.locator('td[tabindex="0"]').focus()
  await page.keyboard.press('e')
  await expect(page.locator('.explain h3')).toContainText('with ids like crm-*')
})

test('a paste of another kind says what it is', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  const field = page.getByLabel('Trust policy, as JSON')
  await field.fill('x'.repeat(1_000_000))
  await page.getByRole('button', { name: 'Look at it' }).click()
  await expect(page.getByRole('alert')).toContainText('131,072')
  await expect(field).toHaveValue(/^x{1000}/)
  await field.fill(databricks())
  await page.getByLabel('The role’s ARN, if you know it').fill('arn:aws:s3:::bucket')
  await page.getByRole('button', { name: 'Look at it' }).click()
  await expect(page.getByRole('alert')).toContainText('is no role’s ARN')

  await paste(page, encodeURIComponent(databricks().replace('UnityCatalog', 'Unity Plus+Catalog')))
  await page.getByRole('button', { name: 'Decode it', exact: true }).click()
  await expect.poll(() => draft(page)).toContain('Unity Plus+Catalog')

  for (const [text, said] of [
    [
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}',
      'Resource',
    ],
    ['no JSON at all', 'JSON'],
    ['{"Statement":[{"Efect":"Allow"}]}', 'Efect'],
  ] as const) {
    await page.getByRole('button', { name: 'Open another…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Trust policy, as JSON').fill(text)
    await dialog.getByRole('button', { name: 'Look at it' }).click()
    await expect(dialog).toHaveCount(0)
    await expect(page.getByRole('heading', { name: 'Problems' })).toBeVisible()
    await expect(page.locator('.findings')).toContainText(said)
  }

  // A role as AWS CLI prints it is one button away from its policy.
  await page.getByRole('button', { name: 'Open another…' }).click()
  const printed = { Role: { Arn: role, AssumeRolePolicyDocument: JSON.parse(databricks()) } }
  await page.getByRole('dialog').getByLabel('Trust policy, as JSON').fill(JSON.stringify(printed))
  await page.getByRole('dialog').getByRole('button', { name: 'Look at it' }).click()
  await page.getByRole('button', { name: 'Use AssumeRolePolicyDocument' }).click()
  await expect(page.locator('.lead')).toContainText('Pasted, not compared with AWS.')
  await expect(page.locator('.title')).toContainText(roleName)

  // What was decoded is what was pasted: its callers are known, and nothing is changed.
  await page.getByRole('button', { name: 'Open another…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Trust policy, as JSON').fill(encodeURIComponent(databricks()))
  await dialog.getByLabel('The role’s ARN').fill(role)
  await dialog.getByRole('button', { name: 'Look at it' }).click()
  await page.getByRole('button', { name: 'Decode it', exact: true }).click()
  await expect(page.locator('.lead')).toContainText('Pasted, not compared with AWS.')
  await expect(page.getByRole('switch', { name: 'Unity Catalog, required' })).toBeChecked()
})

test('a policy that names a value twice is drawn with both', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  const action = '"Action": "sts:AssumeRole"'
  expect(guide).toContain(action)
  await paste(page, guide.replace(action, '"Action": ["sts:AssumeRole", "sts:AssumeRole"]'), role)
  await page.getByLabel('Statements').check({ force: true })
  const first = page.getByRole('listitem', { name: /^statement 1/ })
  await expect(first.getByText('sts:AssumeRole', { exact: true })).toHaveCount(2)
})

test('statements are changed as cards, and the text keeps every other byte', async ({
  page,
  product,
}) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, guide, role)
  await page.getByLabel('Statements').check({ force: true })
  await page.getByLabel('Name of statement 1').fill('Everybody')
  await page.getByLabel('Name of statement 1').blur()
  await expect
    .poll(() => draft(page))
    .toBe(guide.replace('"Effect": "Allow"', '"Sid": "Everybody",\n      "Effect": "Allow"'))
  await page.keyboard.press('Control+z')
  await page.getByRole('heading', { level: 1 }).focus()
  await page.keyboard.press('Control+z')
  await expect.poll(() => draft(page)).toBe(guide)

  const first = page.getByRole('listitem', { name: /^statement 1/ })
  await first.getByRole('button', { name: `Change value ${workspaceId}` }).click()
  await page.keyboard.type('another-workspace')
  await page.keyboard.press('Enter')
  await expect.poll(() => draft(page)).toBe(guide.replace(workspaceId, 'another-workspace'))
  await first.getByRole('button', { name: 'Add value' }).click()
  await page.keyboard.type('one-more')
  await page.keyboard.press('Enter')
  await expect.poll(() => draft(page)).toContain('"another-workspace", "one-more"')
  await first.getByRole('button', { name: 'Remove value one-more' }).click()
  await expect.poll(() => draft(page)).toBe(guide.replace(workspaceId, 'another-workspace'))

  await first.getByRole('button', { name: 'Split…' }).click()
  await first.getByRole('checkbox', { name: 'Segment' }).check()
  await first.getByRole('checkbox', { name: 'another-workspace' }).check()
  await first.getByRole('button', { name: 'Split', exact: true }).click()
  await expect(page.getByRole('listitem', { name: /^statement 2/ })).toContainText('Segment')
  await first.getByRole('button', { name: 'Merge with next' }).click()
  await expect(page.getByRole('listitem', { name: /^statement 2/ })).toHaveCount(0)
  await expect(first).toContainText('another-workspace')

  // What cannot be done says so on its card.
  await first.getByRole('button', { name: 'Remove', exact: true }).click()
  await expect(first.getByRole('alert')).toBeVisible()
  await first.getByRole('button', { name: 'Add principal' }).click()
  await page.keyboard.type('ec2.amazonaws.com')
  await first.getByLabel('Kind of principal').selectOption('Service')
  await first.getByRole('button', { name: 'Add', exact: true }).click()
  await expect.poll(() => draft(page)).toContain('"Service": "ec2.amazonaws.com"')
  await first.getByText('Deny', { exact: true }).click()
  await expect.poll(() => draft(page)).toContain('"Effect": "Deny"')
  await page.getByRole('button', { name: 'Add a statement', exact: true }).click()
  await expect(page.getByRole('listitem', { name: /^statement 2/ })).toBeVisible()
})

test('what a card cannot take stays in its field', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, guide, role)
  await page.getByLabel('Statements').check({ force: true })
  const first = page.getByRole('listitem', { name: /^statement 1/ })
  // The cards are of the last valid text, and the text has moved on.
  await pasteOver(page, guide.slice(0, 20))
  await expect(page.locator('.who-head')).toContainText('As of the last valid text')
  await first.getByRole('button', { name: 'Add value' }).click()
  await page.keyboard.type('one-more')
  await page.keyboard.press('Enter')
  await expect(first.getByRole('alert')).toBeVisible()
  await expect(first.getByLabel('New value')).toHaveValue('one-more')
  await expect(first.getByLabel('New value')).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(first.getByRole('button', { name: 'Add value' })).toBeFocused()
  await expect.poll(() => draft(page)).toBe(guide.slice(0, 20))
})

test('a caller is tried with what it brings', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(
    page,
    worst.replace('"BoolIfExists"', '"Bool"').replace('{ "AWS": "*" }', `{ "AWS": "${catalog}" }`),
    role,
  )
  await page.getByRole('button', { name: 'Try a caller' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Caller, a role').fill('arn:aws:iam::595280932656:role/other')
  await dialog.getByLabel('External id').fill('any-thing')
  await expect(dialog.locator('.group').last()).toContainText('Depends')
  await dialog.getByLabel('MFA').selectOption('true')
  await expect(dialog.locator('.group').last()).toContainText('Allowed')
  await dialog.getByLabel('MFA').selectOption('absent')
  await expect(dialog.locator('.group').last()).toContainText('Denied')
  await dialog.getByLabel('Caller, a role').fill('nobody at all')
  await expect(dialog.getByRole('alert')).toContainText('not a caller')
  await dialog.getByLabel('Caller, a role').fill(segment)
  await dialog.getByRole('button', { name: 'Copy result' }).click()
  await expect.poll(() => product.copied()).toContain('"decision"')
})

test('the draft goes to other tools', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  await paste(page, databricks())
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('The role’s name or ARN').fill(role)
  await expect(dialog.locator('pre')).toContainText(`--role-name ${roleName}`)
  await dialog.getByLabel('Terraform').check({ force: true })
  await expect(dialog.locator('pre')).toContainText('aws_iam_role')
  await dialog.getByLabel('CloudFormation').check({ force: true })
  await expect(dialog.locator('pre')).toContainText('AWS::IAM::Role')
  await dialog.getByRole('button', { name: 'Copy', exact: true }).click()
  await expect.poll(() => product.copied()).toContain('AWS::IAM::Role')
  await page.keyboard.press('Escape')
  // What is no policy is no export, and says why.
  await pasteOver(page, databricks().slice(0, 400))
  await expect(page.getByRole('heading', { name: 'Problems' })).toBeVisible()
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  await expect(dialog.getByRole('alert')).toContainText('policy_invalid')
  await expect(dialog.getByRole('button', { name: 'Copy', exact: true })).toBeDisabled()
})

testAws(
  'add Segment, write, be overtaken, rebase, write, restore',
  async ({ page, product, account }) => {
    await account.role(roleName, databricks())
    await page.goto(`${product.url}#/policy`)
    await page.getByLabel('Role, its name or ARN').fill(roleName)
    await page.getByRole('button', { name: 'Read the role' }).click()
    await expect(page.getByText('This is what AWS has')).toBeVisible()
    await expect(page.getByRole('button', { name: 'Review and apply…' })).toBeDisabled()
    await addSegment(page)
    await expect.poll(() => draft(page)).toContain(workspaceId)
    const wanted = await draft(page)
    await page.keyboard.press('Control+Enter')
    const dialog = page.getByRole('dialog')
    await expect(dialog).toContainText('arn:aws:sts::123456789012:user/moto')
    await expect(dialog).toContainText(account.url)
    expect(await account.policy(roleName)).toBe(databricks())

    // Somebody is faster.
    await account.write(roleName, meanwhile)
    await page.keyboard.press('Control+Enter')
    await expect(dialog).toContainText('AWS had a newer one')
    await expect(dialog.getByText('Not sent')).toHaveCount(2)
    expect(await account.policy(roleName)).toBe(meanwhile)
    await dialog.getByRole('button', { name: 'Show what changed' }).click()
    await expect(page.getByRole('alert')).toContainText('AWS has another policy')
    await expect(page.getByRole('button', { name: 'Review and apply…' })).toBeDisabled()
    await expect.poll(() => draft(page)).toBe(wanted)
    await page.getByRole('button', { name: 'Rebase the draft' }).click()
    await expect.poll(() => draft(page)).toContain('user/admin')
    const rebased = await draft(page)
    expect(rebased).toContain(workspaceId)

    await page.getByRole('button', { name: 'Review and apply…' }).click()
    await expect(dialog).toContainText('1 cell opens')
    await dialog.getByRole('button', { name: /^Apply 1 change/ }).click()
    await expect(dialog).toContainText('One thing changed')
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    expect(await account.policy(roleName)).toBe(rebased)
    await expect(page.getByText('This is what AWS has')).toBeVisible()

    // What was read outlives a reload.
    await page.reload()
    await expect(page.getByText('This is what AWS has')).toBeVisible()

    // Put back through the same path.
    await page.getByRole('button', { name: 'History' }).click()
    await expect(dialog.getByRole('option', { name: /^Not written/ })).toBeVisible()
    await dialog.getByRole('option', { name: /^Written/ }).click()
    await dialog.getByRole('button', { name: 'Restore…' }).click()
    await expect(dialog).toContainText('Put back the policy of lake-writer')
    await dialog.getByRole('button', { name: /^Apply 1 change/ }).click()
    await expect(dialog).toContainText('One thing changed')
    expect(await account.policy(roleName)).toBe(meanwhile)
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await expect(row(page, 'Segment')).not.toContainText('Allowed')

    // A draft that nobody touched takes what AWS has now.
    await account.write(roleName, databricks())
    await page.getByRole('heading', { level: 1 }).focus()
    await page.keyboard.press('r')
    await expect.poll(() => draft(page)).toBe(databricks())
  },
)

testAws('what AWS refuses stands where it was asked', async ({ page, product, account }) => {
  await account.role('AWSReservedSSO_Admin_0123', databricks())
  await page.goto(`${product.url}#/policy`)
  await page.getByLabel('Role, its name or ARN').fill('gone')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('role_not_found')
  await page.getByLabel('Role, its name or ARN').fill('AWSReservedSSO_Admin_0123')
  await page.keyboard.press('Enter')
  await expect(page.getByText('This role cannot be edited')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Review and apply…' })).toBeDisabled()
})
