// Names and values with characters that reverse a line, are invisible, or act on what shows them: the page shows
// them as marks, in both themes, and copies them unchanged.

import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from '@playwright/test'
import { acts } from '../../ui/src/format'
import { databricks, pasteOver, role, roleName, workspaceId } from './policies'
import { expect, sync, tamper, test, testAws, track } from './product'

/** One of each kind, with letters of another direction, markup and a back-tick. */
const hostile = '\u202e\u2066a\u200b\u00ad\u{e0041}\u001b[31m\u009b\ufeff\u2028فيv<b>`b'
/** What a policy may hold: no character above U+00FF. */
const low = 'x\u007f\u009b\u00ady'

/** All that is drawn or read out and holds a character that acts; what is typed into fields is not. */
async function unseen(page: Page): Promise<string[]> {
  return page.evaluate(
    ([source, flags]) => {
      const acts = new RegExp(source!, flags)
      const found: string[] = [document.title]
      const attributes = ['title', 'aria-label', 'aria-description', 'placeholder', 'alt', 'label']
      const look = (root: Node) => {
        for (const node of root.childNodes) {
          if (node instanceof Text) found.push(node.data)
          if (!(node instanceof Element)) continue
          for (const name of attributes) found.push(node.getAttribute(name) ?? '')
          if (node instanceof HTMLOptionElement && node.closest('datalist')) found.push(node.value)
          // A field that a value was put into by the page.
          if (
            node instanceof HTMLInputElement &&
            !node.matches('.form input, .source, .drop-zone input')
          )
            found.push(node.value)
          look(node)
          if (node.shadowRoot) look(node.shadowRoot)
        }
      }
      look(document.body)
      // Lines of a text that is drawn as lines, and the white space between elements.
      return found.filter((text) => text.replaceAll('\n', '').search(acts) >= 0)
    },
    [acts.source, 'u'],
  )
}

/** Looks at a state in both themes. */
async function seen(page: Page, state: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    expect(await unseen(page), state).toEqual([])
    await page.screenshot({
      path: join(import.meta.dirname, `screens/hostile-${state}-${theme}.png`),
    })
  }
}

test('events, folders and lakes', async ({ page, product }) => {
  test.setTimeout(180_000)
  // Of controls a lake's path has none.
  const lake = join(product.folder, 'lake\u202e\u2066\u200b\u00ad\u{e0041}\ufeffفي`b')
  const named = (name: string) => `${name}${hostile}`
  const first = product.events(named('first'), [
    track(named('Order'), { [named('total')]: 1, [named('note')]: named('value'), plain: 2 }),
    track('Plain', { plain: 3 }),
  ])
  const second = product.events(named('second'), [
    track(named('Order'), { [named('total')]: named('twelve'), [named('fresh')]: named('value') }),
    track('Plain', { plain: named('three'), user_id: named('x') }),
    named('no event'),
    `{"type": "${named('Track').replace('\u001b', '')}"}`,
  ])
  const whole = gzipSync(JSON.stringify(track('Lost')).repeat(50))
  writeFileSync(join(second, `${named('broken')}.ndjson.gz`), whole.subarray(0, 60))
  await sync(page, product, first, lake, 'web')
  await seen(page, 'run')

  const query = new URLSearchParams({ from: second, lake, source: 'web' })
  await page.goto(`${product.url}#/schemas?${query}`)
  await expect(page.locator('[role="option"]').first()).toBeVisible()
  for (const option of await page.locator('[role="option"]').all()) {
    await option.click()
    await seen(page, 'schemas')
  }
  await page.getByRole('group').getByText('cannot be read whole').click()
  await page.getByRole('option', { name: /^order/ }).click()
  await page.getByRole('tab', { name: /Sample rows/ }).click()
  await seen(page, 'schemas-rows')
  await page.getByRole('tab', { name: /Set aside/ }).click()
  await seen(page, 'schemas-aside')
  await page.getByRole('link', { name: 'Sync this…' }).click()
  await expect(page.getByText('Holds characters that cannot be seen').first()).toBeVisible()
  await seen(page, 'sync-new')
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByText('Adds up')).toBeVisible({ timeout: 30_000 })
  await seen(page, 'run-partial')
  await page.getByRole('tab', { name: /Rejected lines/ }).click()
  await page.locator('.cell-button').first().click()
  await seen(page, 'run-rejected')
  await page.getByRole('button', { name: 'Copy line' }).click()
  await expect.poll(() => product.copied()).toContain(hostile)
  await page.getByRole('tab', { name: /Values set aside/ }).click()
  await page.locator('.cell-button').first().click()
  await seen(page, 'run-aside')

  await page.goto(`${product.url}#/syncs`)
  await expect(page.locator('[role="option"]').first()).toBeVisible()
  await seen(page, 'syncs')
  await page.goto(`${product.url}#/`)
  await expect(page.getByRole('heading', { name: 'Needs you' })).toBeVisible()
  await seen(page, 'overview')
  await page.getByRole('button', { name: 'As a table' }).click()
  await seen(page, 'overview-table')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Go to' }).fill('web')
  await expect(page.getByRole('option', { name: /tracks/ }).first()).toBeVisible()
  await seen(page, 'palette')
  await page.keyboard.press('Escape')

  // What another program wrote.
  const log = join(lake, 'web', 'tracks', '_delta_log')
  const latest = readdirSync(log)
    .filter((name) => /^\d+\.json$/.test(name))
    .sort()
    .at(-1)!
  const next = String(Number(latest.slice(0, -5)) + 1).padStart(20, '0')
  const commit = [
    {
      commitInfo: {
        timestamp: 1_800_000_000_000,
        operation: named('ODD'),
        engineInfo: named('spark'),
      },
    },
    { txn: { appId: named('app'), version: 7 } },
  ]
  appendFileSync(
    join(log, `${next}.json`),
    commit.map((one) => `${JSON.stringify(one)}\n`).join(''),
  )
  mkdirSync(join(lake, 'web', 'broken', '_delta_log'), { recursive: true })
  writeFileSync(join(lake, 'web', 'broken', '_delta_log', '00000000000000000000.json'), named('{'))
  await page.goto(`${product.url}#/tables?${new URLSearchParams({ lake, table: 'web.tracks' })}`)
  await expect(page.getByRole('heading', { name: 'web.tracks' })).toBeVisible()
  await seen(page, 'tables')
  for (const tab of ['First rows', 'Versions', 'Files', 'Properties']) {
    await page.getByRole('tab', { name: tab }).click()
    await expect(page.getByRole('tabpanel', { name: tab }).locator('.waiting')).toHaveCount(0)
    await seen(page, `tables-${tab.toLowerCase().replace(' ', '-')}`)
  }
  await page.getByRole('tab', { name: 'Versions' }).click()
  await expect(page.getByText('spark\\u{202e}').first()).toBeVisible()
  await page.getByRole('option', { name: /broken/ }).click()
  await seen(page, 'tables-unreadable')

  // Failures, addresses and questions hold it too.
  for (const [state, hash] of [
    [
      'tables-failed',
      `tables?${new URLSearchParams({ lake: join(product.folder, named('none')) })}`,
    ],
    ['tables-none', `tables?${new URLSearchParams({ lake, table: named('web.none') })}`],
    [
      'schemas-failed',
      `schemas?${new URLSearchParams({ from: join(product.folder, named('none')) })}`,
    ],
    ['run-failed', `syncs/${encodeURIComponent(named('99-'))}`],
    ['unknown-page', encodeURIComponent(named('nonsense'))],
  ] as const) {
    await page.goto('about:blank')
    await page.goto(`${product.url}#/${hash}`)
    await expect(
      page.getByRole('alert').or(page.locator('.toast, .detail .empty')).first(),
    ).toBeVisible()
    await seen(page, state)
  }
})

test('a pasted policy', async ({ page, product }) => {
  await page.goto(`${product.url}#/policy`)
  // What AWS would take, as far as its text goes.
  const policy = databricks()
    .replaceAll('UnityCatalogAssumeRole', 'UnityCatalog')
    .replace(
      '"StringEquals": { "sts:ExternalID"',
      `"StringEquals": { "aws:PrincipalTag/${low}": "${low}", "sts:ExternalID"`,
    )
    .replaceAll('7c0d9e52-41b8-4f0e-9a63-2b5f8d1e6c07', low)
  await page.getByLabel('Trust policy, as JSON').fill(policy)
  await page.getByLabel('The role’s ARN').fill(role)
  await page.getByRole('button', { name: 'Look at it' }).click()
  await expect(page.getByRole('heading', { name: /^(Findings|Problems)$/ })).toBeVisible()
  await seen(page, 'policy')
  await page.getByRole('tab', { name: 'Draft' }).click()
  await expect(page.getByRole('textbox', { name: 'Draft of the policy' })).toContainText(
    'x\\u{7f}\\u{9b}\\u{ad}y',
  )
  await seen(page, 'policy-text')
  await page
    .getByRole('tabpanel')
    .getByRole('button', { name: 'Copy policy' })
    .or(page.getByRole('button', { name: 'Copy policy' }))
    .first()
    .click()
  await expect.poll(() => product.copied()).toBe(policy)
  await page.getByRole('tab', { name: 'As pasted' }).click()
  await seen(page, 'policy-base')
  for (const finding of await page.locator('[data-finding]').all()) {
    await finding.click()
    await seen(page, 'policy-finding')
  }
  const cell = page.locator('td[tabindex="0"]')
  if (await cell.count()) {
    await cell.focus()
    await page.keyboard.press('e')
    await expect(page.locator('.explain .because p').first()).toBeVisible()
    await seen(page, 'policy-explain')
  }
  await page.getByLabel('Statements').check({ force: true })
  await expect(page.getByRole('listitem', { name: /^statement 1/ })).toBeVisible()
  await seen(page, 'policy-cards')
  await page
    .getByRole('button', { name: /^Change value/ })
    .first()
    .click()
  await seen(page, 'policy-chip')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Try a caller' }).click()
  await expect(page.getByRole('dialog')).toContainText('The draft')
  await seen(page, 'policy-try')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Add a caller' }).click()
  await seen(page, 'policy-add')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Export', exact: true }).click()
  await expect(
    page.getByRole('region', { name: 'AWS CLI' }).or(page.getByRole('dialog').getByRole('alert')),
  ).toBeVisible()
  for (const tool of ['Terraform', 'CloudFormation', 'JSON']) {
    await page.getByRole('dialog').getByLabel(tool).check({ force: true })
    await seen(page, `policy-export-${tool.toLowerCase()}`)
  }
  await page.keyboard.press('Escape')

  // What AWS would refuse: names, callers and ids with everything in them.
  await page.getByRole('tab', { name: 'Draft' }).click()
  const worst = databricks()
    .replaceAll('UnityCatalogAssumeRole', `Sid${hostile.replaceAll('\u001b', '')}`)
    .replaceAll('role/unity', `role/${hostile.replaceAll('\u001b', '')}unity`)
    .replaceAll('"sts:AssumeRole"', `"sts:${hostile.replaceAll('\u001b', '')}"`)
  await pasteOver(page, worst)
  await expect(page.getByRole('heading', { name: 'Problems' })).toBeVisible()
  await seen(page, 'policy-problems')
  await page.getByRole('tab', { name: /^Changes/ }).click()
  await expect(page.getByRole('textbox', { name: 'Changes' })).toBeVisible()
  await seen(page, 'policy-changes')
})

testAws('what AWS answers, and what became of a change', async ({ page, product, account }) => {
  test.setTimeout(120_000)
  await account.role(roleName, databricks())
  const more = (value: unknown) => `${String(value)}${hostile}`
  await tamper(page, 'aws_profiles', (answer) => {
    answer.profiles = [more('admin')]
    answer.endpoints = [{ service: more('IAM'), url: more('http://127.0.0.1') }]
  })
  await page.goto(`${product.url}#/policy`)
  await expect(page.getByRole('list', { name: /Endpoints/ })).toBeVisible()
  await seen(page, 'aws-empty')
  await page.getByLabel('Role, its name or ARN').fill(`nobody${hostile}`)
  await page.getByRole('button', { name: 'Read the role' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await seen(page, 'aws-no-role')

  await tamper(page, 'role_read', (answer) => {
    const { role: found, caller } = answer as {
      role: Record<string, unknown>
      caller: Record<string, unknown>
    }
    for (const key of ['name', 'path', 'description', 'arn']) found[key] = more(found[key])
    for (const key of ['arn', 'user_id']) caller[key] = more(caller[key])
    found.tags = { [more('key')]: more('value') }
    answer.protected = more('it is a test')
    answer.endpoints = [{ service: more('IAM'), url: more('http://127.0.0.1') }]
  })
  await page.getByLabel('Role, its name or ARN').fill(roleName)
  await page.getByRole('button', { name: 'Read the role' }).click()
  await expect(page.getByText('This role cannot be edited')).toBeVisible()
  await seen(page, 'aws-read')
  await page.unroute('**/call/role_read')
  await page.getByRole('button', { name: 'Open another…' }).click()
  await page.getByRole('dialog').getByLabel('Role, its name or ARN').fill(roleName)
  await page.getByRole('dialog').getByRole('button', { name: 'Read the role' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)

  await page.getByRole('button', { name: 'Say its id… Segment' }).click()
  await page.getByRole('textbox', { name: 'External id' }).fill(workspaceId)
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('row', { name: /^Segment/ })).toContainText('was denied')
  await tamper(page, 'role_plan', (answer) => {
    for (const key of ['role', 'by', 'opens', 'before', 'after']) answer[key] = more(answer[key])
    for (const one of answer.calls as Record<string, unknown>[])
      for (const key of ['call', 'target', 'what']) one[key] = more(one[key])
    const [kind, code] = ['security_warning', more('ODD')]
    answer.analyzer = [{ kind, code, details: more('It says'), learn_more: more('x'), spans: [] }]
  })
  const refused = {
    code: 'outcome_unknown',
    message: more('Odd'),
    hint: more('Odd'),
    field: null,
    retryable: false,
    trace: more('trace'),
  }
  for (const outcome of ['written', 'not_written', 'unknown'] as const) {
    await tamper(page, 'role_apply', (answer) => {
      const change = answer.change as Record<string, unknown>
      for (const key of ['by', 'role', 'request_id']) change[key] = more(change[key])
      answer.request_id = more('request')
      answer.outcome = outcome
      answer.error = outcome === 'written' ? null : refused
      answer.journal = refused
    })
    await page.getByRole('button', { name: 'Review and apply…' }).click()
    await expect(page.getByRole('dialog')).toContainText('Nothing has been sent yet')
    await seen(page, 'aws-plan')
    await page.keyboard.press('Control+Enter')
    await expect(page.getByRole('dialog').locator('.pill')).toHaveText(
      { written: 'Written', not_written: 'Not written', unknown: 'Unknown' }[outcome],
    )
    await seen(page, `aws-${outcome}`)
    await page.keyboard.press('Escape')
    await page.unroute('**/call/role_apply')
  }
  await tamper(page, 'role_history', (answer) => {
    for (const one of answer.changes as Record<string, unknown>[]) {
      for (const key of ['by', 'role', 'before', 'after', 'request_id', 'endpoint'])
        one[key] = more(one[key])
      one.error = refused
    }
  })
  await page.getByRole('button', { name: 'History' }).click()
  await expect(page.locator('[role="option"]').first()).toBeVisible()
  await seen(page, 'aws-history')
})
