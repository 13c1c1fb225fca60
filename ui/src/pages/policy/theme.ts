// The style of CodeMirror: the custom properties of tokens.css, which follow the theme. Part of the editor's
// chunk.

import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { Prec, type Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { drawing, type IconName } from '../../components/icons'

/** Rules for the shadow root: its host, and what CodeMirror leaves outside of an editor. */
export const rootStyle = `
:host { display: block; min-height: 0; height: 100%; overflow: hidden; }
::selection { color: var(--text); background: var(--accent-line); }
.cm-mergeView { height: 100%; background: var(--surface-sunken); }
.cm-mergeViewEditors { min-height: 100%; }
.cm-mergeViewEditor + .cm-mergeViewEditor { border-left: 1px solid var(--line-strong); }
`

function drawn(name: IconName): Record<string, string> {
  return {
    content: 'none',
    mask: `url("data:image/svg+xml,${encodeURIComponent(drawing(name, '#000'))}") center / 14px no-repeat`,
  }
}

/** An underline and a sign in the gutter of one severity. */
function severity(name: string, icon: IconName, colour: string) {
  return {
    [`.cm-lintRange-${name}`]: { textDecorationColor: colour, backgroundImage: 'none' },
    [`.cm-lintPoint-${name}:after`]: { borderBottomColor: colour },
    [`.cm-lint-marker-${name}`]: { ...drawn(icon), background: colour },
    [`.cm-diagnostic-${name}`]: { borderLeft: `2px solid ${colour}` },
  }
}

/** A sign in front of a line that was added or removed. */
function sign(content: string, color: string) {
  return {
    content: `"${content}"`,
    position: 'absolute',
    left: '8px',
    textIndent: '0',
    fontWeight: '700',
    color,
  }
}

const rules = EditorView.theme({
  '&': {
    height: '100%',
    color: 'var(--text)',
    backgroundColor: 'var(--surface-sunken)',
    fontSize: 'var(--code-size)',
  },
  // Over the gutters, which would cover an outline.
  '&.cm-focused': { outline: 'none' },
  '&.cm-focused::after': {
    content: '""',
    position: 'absolute',
    inset: '0',
    border: 'var(--focus)',
    pointerEvents: 'none',
    zIndex: '400',
  },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: 'var(--code-line)' },
  '.cm-content': { padding: 'var(--space-4) 0', caretColor: 'var(--text)' },
  // The rest of a wrapped line is indented.
  '.cm-line, .cm-deletedChunk .cm-deletedLine': {
    padding: '0 var(--space-16) 0 36px',
    textIndent: '-16px',
  },
  '.cm-specialChar, &.cm-editor .cm-specialChar': { color: 'var(--failed-text)' },
  '.whole': { whiteSpace: 'nowrap' },
  '.cm-gutters': {
    backgroundColor: 'var(--surface-sunken)',
    color: 'var(--text-3)',
    border: '0',
  },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '32px', padding: '0' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': {
    backgroundColor: 'var(--surface-selected)',
    outline: '1px solid var(--line-control)',
  },
  '.cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket': {
    backgroundColor: 'var(--failed-bg)',
    outline: '1px solid var(--failed-text)',
  },
})

const diagnostics = EditorView.theme({
  '.cm-gutter-lint': { width: '20px' },
  '.cm-gutter-lint .cm-gutterElement': { padding: '2px 0 2px 6px' },
  '.cm-lint-marker': { width: '14px', height: '14px' },
  '.cm-lintRange': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy 1px',
    textUnderlineOffset: '3px',
  },
  ...severity('error', 'failed', 'var(--failed-text)'),
  ...severity('warning', 'warning', 'var(--warning-text)'),
  ...severity('info', 'info', 'var(--text-3)'),
  '.cm-tooltip': {
    maxWidth: 'min(64ch, 90vw)',
    border: '0',
    borderRadius: 'var(--radius)',
    backgroundColor: 'var(--surface-raised)',
    color: 'var(--text)',
    boxShadow: 'var(--float)',
    fontFamily: 'var(--sans)',
    fontSize: 'var(--small-size)',
    lineHeight: 'var(--small-line)',
    overflow: 'hidden',
  },
  '.cm-tooltip-lint': { listStyle: 'none' },
  '.cm-diagnostic': { margin: '0', padding: 'var(--space-8) var(--space-12)' },
  '.cm-diagnostic + .cm-diagnostic': { borderTop: '1px solid var(--line)' },
  '.cm-diagnosticText': { display: 'block' },
  '.cm-diagnostic code': { fontFamily: 'var(--mono)', overflowWrap: 'anywhere' },
  '.meaning': { display: 'block', marginTop: 'var(--space-4)', color: 'var(--text-2)' },
  '.cm-diagnosticAction': { marginLeft: '0', marginTop: 'var(--space-8)' },
})

const buttons = EditorView.theme({
  '.cm-button, .cm-diagnosticAction': {
    height: 'var(--row-small)',
    padding: '0 var(--space-8)',
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius-small)',
    backgroundImage: 'none',
    backgroundColor: 'var(--surface-raised)',
    color: 'var(--text)',
    font: 'var(--small-size) var(--sans)',
    cursor: 'pointer',
  },
  '.cm-button:hover, .cm-diagnosticAction:hover': { backgroundColor: 'var(--surface-hover)' },
  '.cm-button:active': { backgroundImage: 'none' },
  '.cm-panels button:focus-visible, .cm-panels input:focus-visible, .cm-tooltip button:focus-visible':
    { outline: 'var(--focus)' },
  '.cm-panels': {
    backgroundColor: 'var(--surface)',
    color: 'var(--text)',
    fontFamily: 'var(--sans)',
  },
  '.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-panel.cm-search': {
    padding: 'var(--space-4) 40px var(--space-4) var(--space-16)',
    '& input, & button, & label': { margin: '2px var(--space-8) 2px 0' },
    '& label': {
      display: 'inline-flex',
      alignItems: 'center',
      gap: 'var(--space-4)',
      fontSize: 'var(--small-size)',
      color: 'var(--text-2)',
    },
    '& input[type=checkbox]': { margin: '0', accentColor: 'var(--accent)' },
    // There is one selection, so nothing can select every match.
    '& [name=select]': { display: 'none' },
    '& [name=close]': {
      top: 'var(--space-4)',
      right: 'var(--space-8)',
      width: 'var(--row-small)',
      height: 'var(--row-small)',
      fontSize: 'var(--heading-size)',
      color: 'var(--text-3)',
      cursor: 'pointer',
    },
  },
  '.cm-textfield': {
    height: 'var(--row-small)',
    width: '216px',
    padding: '0 var(--space-8)',
    border: '1px solid var(--line-control)',
    borderRadius: 'var(--radius-small)',
    backgroundColor: 'var(--surface)',
    color: 'var(--text)',
    font: 'var(--code-size) var(--mono)',
  },
  '.cm-textfield::placeholder': { color: 'var(--text-3)', opacity: '1' },
  '.cm-searchMatch': {
    backgroundColor: 'var(--warning-bg)',
    outline: '1px solid var(--warning-line)',
  },
  '.cm-searchMatch-selected': { outline: '2px solid var(--warning-text)' },
})

const changes = EditorView.theme({
  '.cm-changedLine, .cm-deletedChunk .cm-deletedLine': { position: 'relative' },
  '.cm-deletedChunk': { paddingLeft: '0' },
  '&.cm-merge-a .cm-changedLine, .cm-deletedChunk': { backgroundColor: 'var(--failed-bg)' },
  '&.cm-merge-b .cm-changedLine': { backgroundColor: 'var(--passed-bg)' },
  '&.cm-merge-a .cm-changedLine::before, .cm-deletedLine::before': sign(
    '\u2212',
    'var(--failed-text)',
  ),
  '&.cm-merge-b .cm-changedLine::before': sign('+', 'var(--passed-text)'),
  // Words are told apart where a part of the line stays; a line that is new or gone is one thing.
  '.cm-changedText, .cm-deletedText': { borderRadius: '2px' },
  '&.cm-merge-a .cm-changedText, &.cm-merge-b .cm-changedText, .cm-deletedChunk .cm-deletedText': {
    background: 'none',
  },
  '.cm-changedText:not(:only-child), .cm-changedText:not(:only-child) span': {
    color: 'var(--text)',
  },
  '&.cm-merge-a .cm-changedText:not(:only-child)': { background: 'var(--failed-line)' },
  '&.cm-merge-b .cm-changedText:not(:only-child)': { background: 'var(--passed-line)' },
  // Removed parts alone are not JSON: keys would have the colour of values.
  '.cm-deletedChunk del, .cm-deletedChunk del > span': { color: 'var(--text-2)' },
  '.cm-deletedChunk del:has(> :not(.cm-deletedText)) > .cm-deletedText': {
    color: 'var(--text)',
    background: 'var(--failed-line)',
  },
  '.cm-collapsedLines': {
    padding: '0 var(--space-16) 0 20px',
    background: 'none',
    color: 'var(--text-3)',
    font: 'var(--small-size) / var(--row-small) var(--sans)',
    '&:before, &:after': { content: 'none' },
    '&:hover': { color: 'var(--accent)', background: 'var(--surface-hover)' },
  },
})

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--text-2)' },
  { tag: tags.string, color: 'var(--accent)' },
  { tag: [tags.brace, tags.squareBracket, tags.separator], color: 'var(--text-3)' },
])

export const theme: Extension = [
  Prec.high([rules, diagnostics, buttons, changes]),
  syntaxHighlighting(colours),
]
