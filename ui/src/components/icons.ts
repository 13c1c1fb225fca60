// The drawings of all icons: Lucide's, and a few of our own for which Lucide has none. They are data, because
// both the page and CSS masks in the editor draw them; Lucide's components serve only the page.

import {
  Braces,
  ChevronDown,
  ChevronLeft,
  ChevronsUpDown,
  CircleCheck,
  CircleQuestionMark,
  CircleSlash,
  CircleStop,
  Clipboard,
  Clock,
  Copy,
  Database,
  Download,
  Ellipsis,
  Equal,
  EqualNot,
  Eye,
  File,
  Folder,
  Gauge,
  Info,
  LoaderCircle,
  Lock,
  OctagonX,
  Play,
  Plus,
  Redo2,
  RefreshCw,
  RotateCw,
  Search,
  Shapes,
  ShieldCheck,
  SlidersHorizontal,
  SquareTerminal,
  Table,
  Trash,
  TriangleAlert,
  Undo2,
  Upload,
  User,
  Wrench,
  X,
  type IconNode,
} from 'lucide'

/** The side of the square that all are drawn in, and the width of their lines: 1.5 pixels where it is 16. */
export const side = 24
export const line = 2.25

/** A path that was drawn in a square of 16. */
function own(d: string, more: Record<string, string | number> = {}): IconNode[number] {
  return ['path', { d, transform: 'scale(1.5)', 'stroke-width': 1.5, ...more }]
}

export const icons = {
  aside: [own('M2.25 8h7.25M6.75 5.25 9.5 8l-2.75 2.75M13.25 3v10')],
  cancelled: CircleStop,
  close: X,
  conflict: EqualNot,
  copy: Copy,
  deny: [own('M5 8h6')],
  down: ChevronDown,
  download: Download,
  eye: Eye,
  failed: OctagonX,
  file: File,
  folder: Folder,
  history: Clock,
  info: Info,
  lake: Database,
  left: ChevronLeft,
  lock: Lock,
  mark: [
    own('M2 2.75h12M3.75 2.75v9M12.25 2.75v9M8 2.75v2.5M6 5.25h4v3.5H6z', { 'stroke-width': 1.2 }),
    own(
      'M1 13.25c1.17 0 1.17.9 2.33.9s1.17-.9 2.34-.9 1.16.9 2.33.9 1.17-.9 2.33-.9 1.17.9 2.34.9 1.16-.9 2.33-.9',
      { 'stroke-width': 1.2 },
    ),
  ],
  mixed: Shapes,
  more: Ellipsis,
  new: Plus,
  open: [
    own(
      'M1.75 3h12.5M3.5 3v11M12.5 3v11M5.75 3v4.5h4.5V3M5.5 12c.85 0 .85.75 1.67.75S8 12 8.83 12s.84.75 1.67.75',
    ),
  ],
  overview: Gauge,
  partial: [
    own('M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z'),
    own('M8 2a6 6 0 0 1 0 12Z', { fill: 'currentColor' }),
  ],
  paste: Clipboard,
  passed: CircleCheck,
  play: Play,
  plus: Plus,
  policy: ShieldCheck,
  redo: Redo2,
  refresh: RotateCw,
  running: LoaderCircle,
  same: Equal,
  schemas: Braces,
  search: Search,
  settings: SlidersHorizontal,
  skipped: CircleSlash,
  swap: ChevronsUpDown,
  syncs: RefreshCw,
  tables: Table,
  terminal: SquareTerminal,
  trash: Trash,
  undo: Undo2,
  unknown: CircleQuestionMark,
  upload: Upload,
  user: User,
  warning: TriangleAlert,
  wrench: Wrench,
} as const satisfies Record<string, IconNode>

export type IconName = keyof typeof icons

/** An icon as text, for what can take an image only. */
export function drawing(name: IconName, colour: string): string {
  const parts = (icons[name] as IconNode).map(
    ([tag, attributes]) =>
      `<${tag} ${Object.entries(attributes)
        .map(([key, value]) => `${key}="${value}"`)
        .join(' ')}/>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" fill="none" stroke="${colour}" stroke-width="${line}" stroke-linecap="round" stroke-linejoin="round">${parts.join('')}</svg>`
}
