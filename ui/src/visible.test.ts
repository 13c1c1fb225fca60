// Tests that the page makes the same characters visible as Rust does (`terms/src/shown.rs`), in every place where
// a component draws a value.

import { compile, preprocess } from 'svelte/compiler'
import { expect, test } from 'vitest'
import rust from '../../src-tauri/crates/terms/src/shown.rs?raw'
import { visible as drawing } from '../visible.js'
import { quoted, visible, visibleLines } from './format'

/** The characters that Rust's `acts` matches, as ranges. */
function rustRanges(): [number, number][] {
  const [, pattern = ''] = rust.match(/fn acts[^]*?matches!\(\s*c,([^)]*)\)/) ?? []
  const control: [number, number][] = [
    [0, 0x1f],
    [0x7f, 0x9f],
  ]
  const named = [...pattern.matchAll(/'\\u\{(\w+)\}'(?:\.\.='\\u\{(\w+)\}')?/g)]
  expect(named.length).toBeGreaterThan(20)
  return [
    ...control,
    ...named.map(([, from, to]): [number, number] => [
      parseInt(from!, 16),
      parseInt(to ?? from!, 16),
    ]),
  ]
}

test('the same characters are made visible as in Rust', () => {
  const ranges = rustRanges()
  const differs: string[] = []
  for (let code = 0; code <= 0x10ffff; code += 1) {
    // Half a character is none in Rust.
    if (code >= 0xd800 && code <= 0xdfff) continue
    const there = ranges.some(([from, to]) => code >= from && code <= to)
    const here = visible(String.fromCodePoint(code)) !== String.fromCodePoint(code)
    if (there !== here) differs.push(code.toString(16))
  }
  expect(differs).toEqual([])
})

test.each([
  ['a\u202eb', 'a\\u{202e}b'],
  ['\u001b[2J\r\n\t', '\\u{1b}[2J\\r\\n\\t'],
  ['\u{e0041}\u200b\u0085', '\\u{e0041}\\u{200b}\\u{85}'],
  ['`é世😀\ufe0f \\u{202e}', '`é世😀\ufe0f \\u{202e}'],
])('%j', (value, drawn) => {
  expect(visible(value)).toBe(drawn)
  expect(visible(drawn)).toBe(drawn)
})

test('visibleLines keeps line ends, and visible keeps other types', () => {
  expect(visibleLines('a\tb\r\n\u202ec\r')).toBe('a    b\n\\u{202e}c\\r')
  expect([visible(7), visible(null), visibleLines(undefined)]).toEqual([7, null, undefined])
})

test('back-ticks in values are escaped', () => {
  expect(quoted('a` is fine\u202e')).toBe('`a\\u{60} is fine\\u{202e}`')
})

test('a component draws every value visibly, wherever it draws one', async () => {
  const source = `<script lang="ts">
  let { value, Part }: { value: string; Part: never } = $props()
</script>
<svelte:head><title>{value}</title></svelte:head>
{#snippet inner(x: string)}<b>{x}</b>{/snippet}
{#each [value] as one (one)}<p title="Of {one}" aria-label={one} data-copy={one}>{one}, {value as string}</p>{/each}
<pre><code>{value}</code></pre>
<select {value}><option {value} title={value}>{value}</option></select>
<Part title={value} {value}>{@render inner(value)}{value}</Part>
<input {value} placeholder={value} />
{#snippet more(title: string)}<i {title}></i>{/snippet}`
  const { code } = await preprocess(source, drawing(), { filename: 'src/pages/X.svelte' })
  expect(code).toContain('<title>{__visible(value)}</title>')
  expect(code).toContain('<b>{__visible(x)}</b>')
  expect(code).toContain('title="Of {__visible(one)}" aria-label={__visible(one)} data-copy={one}')
  expect(code).toContain('>{__visible(one)}, {__visible(value as string)}</p>')
  expect(code).toContain('<pre><code>{__visibleLines(value)}</code></pre>')
  expect(code).toContain('<option {value} title={__visible(value)}>{__visible(value)}</option>')
  expect(code).toContain('<Part title={__visible(value)} {value}>')
  expect(code).toContain('{__visible(value)}</Part>')
  expect(code).toContain('<input {value} placeholder={__visible(value)} />')
  expect(code).toContain('<i title={__visible(title)}></i>')
  expect(code).toMatch(
    /^<script lang="ts">import \{ visible as __visible, visibleLines as __visibleLines \} from '\.\.\/format';/,
  )
  expect(() => compile(code, { generate: 'client' })).not.toThrow()
})
