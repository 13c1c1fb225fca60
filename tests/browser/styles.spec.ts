// Every CSS rule of the page is used by some state that the other tests showed.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { usedStyles } from './product'

interface Sheet {
  url: string
  text: string
  ranges: { start: number; end: number }[]
}

interface Rule {
  selector: string
  start: number
  end: number
}

/** The rules of a sheet, those inside of layers and of media too; not the steps of an animation. */
function rulesOf(text: string, from = 0, to = text.length): Rule[] {
  const rules: Rule[] = []
  let start = from
  for (let at = from; at < to; at += 1) {
    if (text[at] === ';') start = at + 1
    if (text[at] !== '{') continue
    const head = text.slice(start, at).trim()
    let end = at + 1
    for (let depth = 1; depth > 0; end += 1)
      depth += Number(text[end] === '{') - Number(text[end] === '}')
    if (!head.startsWith('@')) rules.push({ selector: head, start, end })
    else if (/^@(layer|media|supports)/.test(head)) rules.push(...rulesOf(text, at + 1, end - 1))
    at = end - 1
    start = end
  }
  return rules
}

/** What a picture does not show: the system's own colours, and what is under the pointer or has the focus. */
const unshown = /:hover|:focus-visible|::selection|highlight|canvastext/i

test('no rule of the styles is unused', () => {
  const all = readdirSync(usedStyles).flatMap(
    (name) => JSON.parse(readFileSync(join(usedStyles, name), 'utf8')) as Sheet[],
  )
  expect(new Set(all.map(({ url }) => new URL(url).pathname)).size, 'sheets').toBe(1)
  const { text } = all[0]!
  const used = all.flatMap(({ ranges }) => ranges)
  const unused = rulesOf(text)
    .filter((rule) => !used.some(({ start, end }) => start < rule.end && end > rule.start))
    .filter((rule) => !unshown.test(text.slice(rule.start, rule.end)))
  expect(unused.map(({ selector }) => selector)).toEqual([])
})
