// The base of every browser test: the real commands over loopback with a data folder of their own, a page that
// must not log an error, a simulated AWS account, and functions that inspect the page.

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { gzipSync } from 'node:zlib'
import { expect, test as base, type Page } from '@playwright/test'

const here = import.meta.dirname
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const binary = process.env.HEADGATE_HOST ?? ''

export interface Product {
  url: string
  /** A folder for this test's events and lakes. */
  folder: string
  /** The data folder. */
  data: string
  /** Plays the desktop: the next dialog's choice, the answer to questions, files dropped, an address opened. */
  play(event: Record<string, unknown>): Promise<void>
  /** What the desktop asked the user so far. */
  asked(): Promise<string[]>
  /** What the desktop told the user so far, and the addresses that it opened. */
  told(): Promise<string[]>
  copied(): Promise<string>
  /** How large the window shows the page, in percent. */
  zoom(): Promise<number>
  /** Writes events, one a line, and returns the path of their folder. */
  events(name: string, lines: (object | string)[], gzip?: boolean): string
}

async function start(data: string, more: NodeJS.ProcessEnv): Promise<[ChildProcess, string]> {
  const host = spawn(binary, [join(here, '../..')], {
    env: { ...process.env, ...more, HEADGATE_DATA: data },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: host.stdout! })
  for await (const line of lines) return [host, (JSON.parse(line) as { url: string }).url]
  throw new Error('the host ended before it was ready')
}

/** A product with a data folder of its own, for as long as a test needs it. */
export async function served(
  use: (product: Product) => Promise<void>,
  more: NodeJS.ProcessEnv = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-browser-'))
  const [host, url] = await start(join(folder, 'data'), more)
  await use({
    url,
    folder,
    data: join(folder, 'data'),
    async play(event) {
      const answer = await fetch(`${url}desktop`, {
        method: 'POST',
        body: JSON.stringify(event),
      })
      expect(answer.status).toBe(204)
    },
    async asked() {
      return (await fetch(`${url}desktop/asked`)).json() as Promise<string[]>
    },
    async told() {
      return (await fetch(`${url}desktop/told`)).json() as Promise<string[]>
    },
    async copied() {
      return (await fetch(`${url}desktop`)).text()
    },
    async zoom() {
      return Number(await (await fetch(`${url}desktop/zoom`)).text())
    },
    events(name, lines, gzip = false) {
      const into = join(folder, name)
      mkdirSync(into, { recursive: true })
      const text =
        lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n') +
        '\n'
      writeFileSync(
        join(into, gzip ? 'events.ndjson.gz' : 'events.ndjson'),
        gzip ? gzipSync(text) : text,
      )
      return into
    },
  })
  host.kill()
  rmSync(folder, { recursive: true, force: true })
}

/** Where the styles are that a test used, until `styles.spec.ts` adds them up. */
export const usedStyles = join(here, 'results/styles')

export const test = base.extend<{ product: Product; quiet: void; styles: void }>({
  product: async ({}, use) => served(use),
  // What the page used of its styles is read while the product is still there.
  styles: [
    async ({ page, product: _ }, use, { testId }) => {
      await page.coverage.startCSSCoverage({ resetOnNavigation: false })
      await use()
      // What is still asked for has no answer any more.
      await page.unrouteAll({ behavior: 'ignoreErrors' })
      const sheets = await page.coverage.stopCSSCoverage()
      mkdirSync(usedStyles, { recursive: true })
      const own = sheets.filter(({ url }) => url.includes('/assets/'))
      writeFileSync(join(usedStyles, `${testId}.json`), JSON.stringify(own))
    },
    { auto: true },
  ],
  // Nothing may be said on the console, no policy broken.
  quiet: [
    async ({ page }, use) => {
      const said: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning')
          said.push(
            `${message.text()} at ${message.location().url}:${message.location().columnNumber}`,
          )
      })
      page.on('pageerror', (error) => said.push(String(error)))
      await use()
      expect(said).toEqual([])
    },
    { auto: true },
  ],
})

export { expect }

/** An account of AWS that a server of its own plays. */
export interface Account {
  /** Where it answers. */
  url: string
  /** The configuration of AWS's tools: a profile that asks for MFA, and one whose login is over. */
  config: string
  /** Makes a role and returns its ARN. */
  role(name: string, policy: string, tags?: Record<string, string>): Promise<string>
  /** Writes a role's policy, as somebody else would. */
  write(name: string, policy: string): Promise<void>
  /** A role's policy as the account has it. */
  policy(name: string): Promise<string>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}

const profiles = `
[default]
aws_access_key_id = testing
aws_secret_access_key = testing

[profile admin-mfa]
role_arn = arn:aws:iam::123456789012:role/admin
source_profile = default
mfa_serial = arn:aws:iam::123456789012:mfa/admin

[profile lake-sso]
sso_session = lake
sso_account_id = 123456789012
sso_role_name = Admin

[sso-session lake]
sso_region = us-east-1
sso_start_url = https://lake.awsapps.com/start
`

function account(url: string, config: string): Account {
  async function iam(action: string, more: Record<string, string>): Promise<string> {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        // It only looks for the service's name here.
        authorization:
          'AWS4-HMAC-SHA256 Credential=testing/20261122/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none',
      },
      body: new URLSearchParams({ Action: action, Version: '2010-05-08', ...more }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${action}: ${text}`)
    return text
  }
  const part = (text: string, name: string) =>
    text.match(new RegExp(`<${name}>([^<]*)</${name}>`))?.[1] ?? ''
  return {
    url,
    config,
    async role(name, policy, tags = {}) {
      const named = Object.entries(tags).flatMap(([key, value], at) => [
        [`Tags.member.${at + 1}.Key`, key],
        [`Tags.member.${at + 1}.Value`, value],
      ])
      const asked = { RoleName: name, AssumeRolePolicyDocument: policy }
      return part(await iam('CreateRole', { ...asked, ...Object.fromEntries(named) }), 'Arn')
    },
    async write(name, policy) {
      await iam('UpdateAssumeRolePolicy', { RoleName: name, PolicyDocument: policy })
    },
    async policy(name) {
      const text = await iam('GetRole', { RoleName: name })
      return decodeURIComponent(part(text, 'AssumeRolePolicyDocument'))
    },
  }
}

/** Tests against an account of AWS that is played on this computer. */
export const testAws = test.extend<{ account: Account }>({
  account: async ({}, use) => {
    const port = await freePort()
    const server = spawn(
      join(here, '../../.venv/bin/moto_server'),
      ['-H', '127.0.0.1', '-p', `${port}`],
      { stdio: 'ignore' },
    )
    const url = `http://127.0.0.1:${port}`
    for (let tries = 0; ; tries += 1) {
      const answers = await fetch(`${url}/moto-api/data.json`).catch(() => undefined)
      if (answers?.ok) break
      if (tries > 200) throw new Error('the account did not begin to answer')
      await new Promise((done) => setTimeout(done, 100))
    }
    const folder = mkdtempSync(join(tmpdir(), 'headgate-aws-'))
    const config = join(folder, 'config')
    writeFileSync(config, profiles)
    await use(account(url, config))
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  },
  product: async ({ account }, use) => served(use, reaching(account.url, account)),
})

/** The environment in which an account is reached at an address. */
export function reaching(url: string, account: Account): NodeJS.ProcessEnv {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'testing',
    AWS_SECRET_ACCESS_KEY: 'testing',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    // moto answers calls that it does not know as if it had failed, and those would be tried again.
    AWS_MAX_ATTEMPTS: '1',
    AWS_CONFIG_FILE: account.config,
    AWS_SHARED_CREDENTIALS_FILE: account.config,
  }
}

let number = 0

/** A track of a user, unlike every other. */
export function track(event: string, properties: object = {}, more: object = {}): object {
  number += 1
  return {
    type: 'track',
    event,
    messageId: `m-${number}`,
    userId: `u-${number % 7}`,
    timestamp: '2026-11-21T08:00:00Z',
    receivedAt: '2026-11-21T08:00:01Z',
    properties,
    ...more,
  }
}

/** Syncs through the page and waits for the run's page. Returns the run's id. */
export async function sync(
  page: Page,
  product: Product,
  from: string,
  lake: string,
  source = 'web',
): Promise<string> {
  const query = new URLSearchParams({ from, lake, source })
  await page.goto(`${product.url}#/syncs/new?${query}`)
  await page.getByRole('button', { name: 'Run Ctrl Enter' }).click()
  await expect(page.getByText('Adds up')).toBeVisible({ timeout: 90_000 })
  return decodeURIComponent(new URL(page.url()).hash.split('/')[2]!.split('?')[0]!)
}

/** A sync at a terminal that has read one event, and goes on until its input ends. */
export function syncInTerminal(product: Product, to: string, source: string) {
  const words = ['sync', 'run', '--json', '--from', '-', '--to', to, '--source', source]
  const terminal = spawn(process.env.HEADGATE_BIN!, words, {
    env: { ...process.env, HEADGATE_DATA: product.data },
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = new Promise<number | null>((done) => terminal.on('exit', done))
  terminal.stdin.write(`${JSON.stringify(track('Viewed'))}\n`)
  return {
    /** Ends its input, and says how it exits. */
    end: () => {
      terminal.stdin.end()
      return ended
    },
  }
}

/** Changes what a command answers. */
export async function tamper(
  page: Page,
  command: string,
  change: (answer: Record<string, unknown>) => void,
): Promise<void> {
  await page.route(`**/call/${command}`, async (route) => {
    const lines = (await (await route.fetch()).text()).trimEnd().split('\n')
    const told = lines.map((line) => {
      const said = JSON.parse(line) as { answer?: Record<string, unknown> }
      if (said.answer) change(said.answer)
      return JSON.stringify(said)
    })
    await route.fulfill({ body: `${told.join('\n')}\n` })
  })
}

interface Finding {
  id: string
  nodes: { target: string[]; failureSummary: string }[]
}

/** Fails on anything that axe finds. */
export async function accessible(page: Page): Promise<void> {
  await page.evaluate(axe)
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: Finding[] }> }
    }
    return (await axe.run()).violations
  })
  const said = found.flatMap((one) =>
    one.nodes.map((node) => `${one.id}: ${node.target.join(' ')}\n${node.failureSummary}`),
  )
  expect(said).toEqual([])
}

/**
 * Fails on text that is cut off without its whole in a title, on controls that no scrolling brings into sight, on
 * parts that lie over others, on panes that are too low to be read, and on a page that scrolls.
 */
export async function tidy(page: Page): Promise<void> {
  const found = await page.evaluate(() => {
    const said: string[] = []
    const name = (element: Element) =>
      `${element.tagName.toLowerCase()}.${element.className} “${element.textContent?.trim().slice(0, 60)}”`
    const seen = (element: Element) => {
      const style = getComputedStyle(element)
      if (element.closest('.only-read, [hidden], [aria-hidden="true"]')) return false
      return (
        style.visibility !== 'hidden' &&
        element.getClientRects().length > 0 &&
        element.clientWidth > 1
      )
    }
    for (const element of document.querySelectorAll('body *')) {
      if (!(element instanceof HTMLElement) || !seen(element)) continue
      const style = getComputedStyle(element)
      const own = [...element.childNodes].some(
        (node) => node.nodeType === 3 && node.textContent?.trim(),
      )
      const cut =
        element.scrollWidth > element.clientWidth + 1 && /hidden|clip/.test(style.overflowX)
      const titled = element.closest('[title]') || element.querySelector('[title]')
      // What opens shows the whole.
      const opens = element.closest('[aria-expanded]')
      if (cut && !titled && !opens && (own || style.textOverflow === 'ellipsis'))
        said.push(`cut: ${name(element)}`)
      const high =
        element.scrollHeight > element.clientHeight + 2 && /hidden|clip/.test(style.overflowY)
      if (high && own && element.clientHeight > 0 && element.clientHeight < 20)
        said.push(`low: ${name(element)}`)
    }
    // What scrolls is high enough to read a line in.
    for (const element of document.querySelectorAll(
      '.body, .detail, .dialog-body, .list, .grid, .found, [role="tabpanel"]',
    )) {
      if (!(element instanceof HTMLElement) || !seen(element)) continue
      const scrolls = /auto|scroll/.test(getComputedStyle(element).overflowY)
      if (scrolls && element.scrollHeight > element.clientHeight + 2 && element.clientHeight < 56)
        said.push(`low pane: ${name(element)}`)
    }
    // Cut off by what does not scroll.
    for (const element of document.querySelectorAll('button, a, input, select, h1, h2, h3, p')) {
      if (!seen(element) || element.closest('.list, .grid, .page:has(.entered) > header')) continue
      const box = element.getBoundingClientRect()
      for (let up = element.parentElement; up; up = up.parentElement) {
        const { overflowX, overflowY, textOverflow, position } = getComputedStyle(up)
        if (/auto|scroll/.test(overflowX + overflowY) || position === 'fixed') break
        if (!/hidden|clip/.test(overflowX + overflowY) || textOverflow === 'ellipsis') continue
        const pane = up.getBoundingClientRect()
        if (box.bottom > pane.bottom + 2 || box.top < pane.top - 2 || box.right > pane.right + 2)
          said.push(`clipped: ${name(element)} by ${name(up)}`)
      }
    }
    // Beyond the window and not to be scrolled to.
    for (const element of document.querySelectorAll(
      'button, a, input, select, .num, p, h1, h2, td',
    )) {
      const box = element.getBoundingClientRect()
      if (!seen(element) || (box.right <= innerWidth + 1 && box.left >= -1)) continue
      let up = element.parentElement
      while (
        up &&
        !(/auto|scroll/.test(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth)
      ) {
        up = up.parentElement
      }
      if (!up) said.push(`beyond the window: ${name(element)}`)
    }
    const root = document.scrollingElement!
    if (root.scrollWidth > root.clientWidth || root.scrollHeight > root.clientHeight)
      said.push('the page scrolls')
    const parts = [
      ...document.querySelectorAll(
        'button, a, input, select, h1, h2, .status, .number, td, th, .lead',
      ),
    ].filter((element) => seen(element) && !element.closest('.list, .grid, .body:has(.scrolled)'))
    const boxes = parts.map((element) => [element, element.getBoundingClientRect()] as const)
    for (const [one, a] of boxes) {
      for (const [other, b] of boxes) {
        if (one === other || one.contains(other) || other.contains(one)) continue
        if (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_PRECEDING) continue
        const floats = '.palette, .dialog, .toast, .scrim, .tooltip, .not-switched'
        if (one.closest(floats) !== other.closest(floats)) continue
        // What has scrolled out of its pane lies under the pane's edge, not over its neighbour.
        const pane = (element: Element) => {
          let up = element.parentElement
          while (up && !/auto|scroll|hidden/.test(getComputedStyle(up).overflowY))
            up = up.parentElement
          return up
        }
        if (pane(one) !== pane(other)) continue
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left)
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
        if (
          wide > 2 &&
          high > 2 &&
          !one.closest('.segments') &&
          !other.closest('.segments, .icon')
        ) {
          said.push(`overlap: ${name(one)} and ${name(other)}`)
        }
      }
    }
    return said
  })
  expect(found).toEqual([])
}

/** One picture of what does not stand still long enough for more. */
export async function picture(page: Page, state: string): Promise<void> {
  const into = join(here, 'screens')
  mkdirSync(into, { recursive: true })
  await tidy(page)
  await page.screenshot({ path: join(into, `${state}.png`) })
}

/** The sizes that every state is looked at in: usual ones, the least that the window has, and the usual one at 200 %. */
const sizes = [
  [1280, 800],
  [1920, 1080],
  [960, 600],
  [640, 400],
] as const

/** One picture for each theme and size, each tidy; both themes accessible. */
export async function pictures(page: Page, state: string): Promise<void> {
  const into = join(here, 'screens')
  mkdirSync(into, { recursive: true })
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await accessible(page)
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height })
      await page.evaluate(
        () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
      )
      await tidy(page)
      await page.screenshot({
        path: join(into, `${state}-${theme}-${width}.png`),
      })
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
}
