// CodeMirror for the policy page: an editor for the draft, and a view of a diff.
//
// It is a chunk of its own that only `lazy.ts` imports. It lives in a shadow root with adopted style sheets,
// because the content security policy refuses `<style>`. It keeps no history: undo belongs to the page.

import { defaultKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { bidiIsolates, bracketMatching, indentOnInput } from '@codemirror/language'
import {
  forEachDiagnostic,
  lintGutter,
  nextDiagnostic,
  previousDiagnostic,
  setDiagnostics,
  type Diagnostic,
} from '@codemirror/lint'
import { diff, getChunks, MergeView, unifiedMergeView } from '@codemirror/merge'
import { search, searchKeymap } from '@codemirror/search'
import { Annotation, EditorState, type Extension } from '@codemirror/state'
import {
  Decoration,
  EditorView,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  MatchDecorator,
  ViewPlugin,
  type Command,
  type DecorationSet,
  type ViewUpdate,
} from '@codemirror/view'
import type { FindingView, Problem, Range } from '../../api'
import { acts, mark, plain, visible } from '../../format'
import { Bytes, Lines, type Change } from './ranges'
import { rootStyle, theme } from './theme'

/** A draft in an editor. */
export interface Editor {
  /** Shows another text: only the difference is changed, the cursor stays, and no change is reported. */
  show(text: string): void
  /** Marks what was found in the text that is shown. */
  mark(problems: Problem[], findings: FindingView[]): void
  /** Scrolls to a part of the text, in bytes, selects it and takes the focus. */
  reveal(range: Range): void
  destroy(): void
}

export interface EditorOptions {
  text: string
  /** The accessible name. */
  label: string
  readonly: boolean
  /** Typed text; `false` takes it back. */
  onchange(text: string): boolean | void
  onfix(finding: FindingView): void
}

const fromOutside = Annotation.define<true>()

export function openEditor(host: HTMLElement, options: EditorOptions): Editor {
  let lines = new Lines(options.text)
  const root = shadow(host)
  const view = new EditorView({
    parent: root,
    root,
    doc: lines.shown,
    extensions: [
      lintGutter(),
      shown(options.label),
      options.readonly ? toRead : [],
      EditorState.phrases.of(phrases),
      bracketMatching(),
      indentOnInput(),
      search({ top: true }),
      keymap.of([
        { key: 'F8', run: said(nextDiagnostic), shift: said(previousDiagnostic) },
        ...searchKeymap.filter(({ key }) => !key || !severalPlaces.includes(key)),
        ...defaultKeymap.filter(({ key }) => !key || !pageKeys.includes(key)),
      ]),
      EditorView.domEventHandlers({
        beforeinput(event, view) {
          // Undo by a menu would take back what the browser saw, behind the page's back.
          if (event.inputType.startsWith('history')) return refuse(event)
          // Where text replaces lines the browser would write styles of its own, which are refused.
          const over = view.state.selection.main
          const types = event.inputType === 'insertText'
          const deletes = event.inputType.startsWith('deleteContent')
          if (over.empty || view.composing || !(types || deletes)) return false
          const now = view.state.replaceSelection((types && event.data) || '')
          const userEvent = types ? 'input.type' : 'delete.selection'
          view.dispatch(now, { userEvent, scrollIntoView: true })
          return refuse(event)
        },
      }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged || update.transactions.some((one) => one.annotation(fromOutside)))
          return
        const changes: Change[] = []
        update.changes.iterChanges((from, to, _from, _to, insert) =>
          changes.push({ from, to, insert: insert.toString() }),
        )
        const before = lines.text
        lines = new Lines(lines.changed(changes))
        if (options.onchange(lines.text) === false) show(before)
      }),
    ],
  })
  const placed = (bytes: Bytes, { start, end }: Range) => ({
    from: Math.min(lines.place(bytes.position(start)), view.state.doc.length),
    to: Math.min(lines.place(bytes.position(end)), view.state.doc.length),
  })
  function show(text: string) {
    lines = new Lines(text)
    const now = view.state.doc.toString()
    if (now === lines.shown) return
    const differ = diff(now, lines.shown, { scanLimit: 500 }).map((one) => ({
      from: one.fromA,
      to: one.toA,
      insert: lines.shown.slice(one.fromB, one.toB),
    }))
    const changes = view.state.changes(differ)
    const { from, to, head } = view.state.selection.main
    // A selection whose text is another one would grow over what nobody selected.
    const selection = changes.touchesRange(from, to) ? { anchor: changes.mapPos(head) } : undefined
    view.dispatch({ changes, selection, annotations: fromOutside.of(true) })
  }
  return {
    show,
    mark(problems, findings) {
      const bytes = new Bytes(lines.text)
      const found = [
        ...problems.map((one) => ({ ...placed(bytes, one.range), ...problemMark(one) })),
        ...findings.flatMap((one) =>
          one.finding.range
            ? [{ ...placed(bytes, one.finding.range), ...findingMark(one, options.onfix) }]
            : [],
        ),
      ]
      view.dispatch(setDiagnostics(view.state, found))
    },
    reveal(range) {
      const { from, to } = placed(new Bytes(lines.text), range)
      view.dispatch({
        selection: { anchor: from, head: to },
        effects: EditorView.scrollIntoView(from, { y: 'center' }),
      })
      view.focus()
    },
    destroy: () => view.destroy(),
  }
}

/** What differs between two texts, on show. */
export interface Merge {
  /** How many parts differ. */
  chunks: number
  /** What scrolls. */
  scrolled: HTMLElement
  destroy(): void
}

export interface MergeOptions {
  before: string
  after: string
  /** The accessible name. */
  label: string
  /** One text with what was removed between its lines; both texts side by side otherwise. */
  unified: boolean
}

export function openMerge(host: HTMLElement, options: MergeOptions): Merge {
  const root = shadow(host)
  // To read only, so what cannot be seen is written out: removed lines are drawn without an editor.
  const [before, after] = [options.before, options.after].map((text) =>
    new Lines(text).shown.replace(acts, (one) => (/[\n\t]/.test(one) ? one : mark(one))),
  )
  const side = (label: string) => [
    shown(label),
    toRead,
    keymap.of([{ key: 'Enter', run: () => unfold(root) }, ...defaultKeymap]),
    EditorView.contentAttributes.of({ 'aria-description': 'Enter shows the unchanged lines.' }),
  ]
  const how = { gutter: false, collapseUnchanged: { margin: 3, minSize: 4 } }
  if (options.unified) {
    const merge = unifiedMergeView({ ...how, original: before!, mergeControls: false })
    const view = new EditorView({
      parent: root,
      root,
      doc: after!,
      extensions: [side(options.label), merge],
    })
    return {
      chunks: getChunks(view.state)?.chunks.length ?? 0,
      scrolled: view.scrollDOM,
      destroy: () => view.destroy(),
    }
  }
  const view = new MergeView({
    ...how,
    parent: root,
    root,
    a: { doc: before!, extensions: side(`${options.label}, before`) },
    b: { doc: after!, extensions: side(`${options.label}, after`) },
  })
  return { chunks: view.chunks.length, scrolled: view.dom, destroy: () => view.destroy() }
}

/** What is alike wherever a policy is shown. */
function shown(label: string): Extension {
  return [
    lineNumbers(),
    json(),
    bidiIsolates(),
    unseen,
    wholeParts,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': visible(label), tabindex: '0' }),
    theme,
  ]
}

/** What cannot be seen, or acts on what shows it, as the rest of the page draws it. */
const unseen = highlightSpecialChars({
  specialChars: new RegExp(`(?![\\n\\t])${acts.source}`, acts.flags),
  render(code) {
    const drawn = document.createElement('span')
    drawn.className = 'cm-specialChar'
    drawn.textContent = drawn.ariaLabel = mark(String.fromCodePoint(code))
    return drawn
  },
})

/** The shadow root of an element, made when it is not there yet. */
function shadow(host: HTMLElement): ShadowRoot {
  if (host.shadowRoot) return host.shadowRoot
  const root = host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(rootStyle)
  root.adoptedStyleSheets = [sheet]
  root.addEventListener('keydown', (event) => keep(event as KeyboardEvent))
  // The lint gutter watches the window to close its tooltip, and from there a root cannot be looked into.
  root.addEventListener('mousemove', (event) => {
    if ((event.target as Element).closest('.cm-tooltip-lint')) event.stopPropagation()
  })
  // The button of a mark acts when it is pressed, and again when it is let go: once is enough.
  root.addEventListener('click', (event) => again(event as MouseEvent), { capture: true })
  return root
}

function again(event: MouseEvent): void {
  const byMouse = event.detail > 0
  if (byMouse && (event.target as Element).closest('.cm-diagnosticAction')) event.stopPropagation()
}

/** Keeps typed letters from the page, which would treat them as its own keys. */
function keep(event: KeyboardEvent): void {
  const target = event.target as HTMLElement
  const field = target instanceof HTMLInputElement && target.type !== 'checkbox'
  if (!field && (!target.isContentEditable || target.ariaReadOnly === 'true')) return
  const held = event.ctrlKey || event.metaKey
  // A search field undoes its own typing.
  if (held ? field && /^[zy]$/i.test(event.key) : event.key.length === 1) event.stopPropagation()
}

/** Keys of CodeMirror that mean something else on the page. */
const pageKeys = ['Mod-Enter', 'Mod-/']
/** Keys that select in several places; there is one selection. */
const severalPlaces = ['Mod-d', 'Mod-Shift-l']

/** A text that takes the focus and the cursor, and no change. */
const toRead: Extension = [
  EditorState.readOnly.of(true),
  EditorView.domEventHandlers({ beforeinput: refuse }),
]

function refuse(event: InputEvent): true {
  event.preventDefault()
  return true
}

const phrases = {
  next: 'Next',
  previous: 'Previous',
  'match case': 'Match case',
  regexp: 'Regular expression',
  'by word': 'Whole words',
  replace: 'Replace',
  'replace all': 'Replace all',
  close: 'Close the search',
}

/** Shows every line that is folded away. */
function unfold(root: ShadowRoot): boolean {
  const folds = root.querySelectorAll<HTMLElement>('.cm-collapsedLines')
  for (const fold of folds) fold.click()
  return folds.length > 0
}

/** A command that moves to a mark, and announces it. */
function said(go: Command): Command {
  return (view) => {
    if (!go(view)) return false
    const at = view.state.selection.main.from
    const messages: string[] = []
    forEachDiagnostic(view.state, (one, from, to) => {
      if (from <= at && at <= to) messages.push(one.message)
    })
    view.dispatch({
      effects: EditorView.announce.of(plain(visible(messages.join(' ')))),
    })
    return true
  }
}

type Mark = Omit<Diagnostic, 'from' | 'to'>

function problemMark({ message }: Problem): Mark {
  return { severity: 'error', message, renderMessage: () => ticked('span', message) }
}

function findingMark(view: FindingView, onfix: (finding: FindingView) => void): Mark {
  const { id, severity, title, meaning } = view.finding
  const fix = view.fix && {
    name: visible(view.fix.label),
    apply: () => onfix(view),
  }
  return {
    severity: severity === 'security' ? 'error' : severity,
    message: `${id}: ${title}`,
    renderMessage() {
      const said = ticked('span', `\`${id}\` ${title}`)
      const more = said.appendChild(ticked('span', meaning))
      more.className = 'meaning'
      return said
    },
    ...(fix && { actions: [fix] }),
  }
}

/** A sentence with values between back-ticks. */
function ticked(tag: string, text: string): HTMLElement {
  const whole = document.createElement(tag)
  const parts = visible(text).split('`')
  for (const [at, part] of parts.entries()) {
    if (at % 2 === 1 && at < parts.length - 1)
      whole.appendChild(document.createElement('code')).textContent = part
    else whole.append(part)
  }
  return whole
}

/** A long line breaks between its parts or after the `/` of an ARN, never inside a value. */
const whole = Decoration.mark({ class: 'whole' })
const parts = new MatchDecorator({
  regexp: /[^\s"/]+\/?/g,
  decorate(add, from, to, _match, view) {
    // A line longer than any policy would be too many parts to draw.
    if (view.state.doc.lineAt(from).length < 10_000) add(from, to, whole)
  },
})
const wholeParts = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet
    constructor(view: EditorView) {
      this.decorations = parts.createDeco(view)
    }
    update(update: ViewUpdate) {
      this.decorations = parts.updateDeco(update, this.decorations)
    }
  },
  { decorations: (plugin) => plugin.decorations },
)
