// A Svelte preprocessor that makes hostile characters visible in everything that a component draws: an expression
// in an element's text, or in an attribute that is shown or read out, is passed through `visible` of `format.ts`,
// and inside `<pre>` through `visibleLines`, which keeps line ends.
//
// Values that components pass to each other, copy or send are not changed.

import MagicString from 'magic-string'
import { parse } from 'svelte/compiler'
import { dirname, join, relative } from 'node:path'

const format = join(import.meta.dirname, 'src/format')

/** Attributes whose text reaches whoever uses the page. */
const shown = new Set(['title', 'aria-label', 'aria-description', 'placeholder', 'alt'])

/** @returns {import('svelte/compiler').PreprocessorGroup} */
export function visible() {
  return {
    name: 'visible',
    markup({ content, filename }) {
      const { fragment, instance } = parse(content, { modern: true, filename })
      const text = new MagicString(content)
      const used = new Set()
      const wrap = ({ expression: { start, end } }, by) => {
        used.add(by)
        text.appendLeft(start, `__${by}(`).prependRight(end, ')')
      }
      const walk = (node, by) => {
        if (!node || typeof node !== 'object') return
        if (Array.isArray(node)) return node.forEach((one) => walk(one, by))
        if (node.type === 'Fragment') {
          for (const one of node.nodes) one.type === 'ExpressionTag' ? wrap(one, by) : walk(one, by)
        } else if (node.type === 'Attribute') {
          if (!shown.has(node.name) || node.value === true) return
          if (content[node.start] === '{') text.appendLeft(node.start, `${node.name}=`)
          for (const one of [node.value].flat()) if (one.type === 'ExpressionTag') wrap(one, by)
        } else {
          const inside = node.type === 'RegularElement' && node.name === 'pre'
          for (const one of Object.values(node)) walk(one, inside ? 'visibleLines' : by)
        }
      }
      walk(fragment, 'visible')
      if (used.size === 0) return
      const from = relative(dirname(filename ?? ''), format)
        .replaceAll('\\', '/')
        .replace(/^(?!\.)/, './')
      const names = [...used].map((by) => `${by} as __${by}`)
      const line = `import { ${names.join(', ')} } from '${from}';`
      if (instance) text.appendLeft(instance.content.start, line)
      else text.prepend(`<script lang="ts">${line}</script>`)
      return { code: text.toString(), map: text.generateMap({ source: filename, hires: true }) }
    },
  }
}
