// Sixteen pixels square, lines of one and a half: the drawings of every icon.

export const icons = {
  aside: '<path d="M2.25 8h7.25M6.75 5.25 9.5 8l-2.75 2.75M13.25 3v10"/>',
  cancelled: '<circle cx="8" cy="8" r="6"/><path d="M6 6h4v4H6z"/>',
  close: '<path d="m4 4 8 8M12 4l-8 8"/>',
  conflict: '<path d="M3.5 6.25h9M3.5 9.75h9M10.25 3 5.75 13"/>',
  copy: '<rect x="5.75" y="5.75" width="7.75" height="7.75" rx="1.5"/><path d="M10.25 5.75V4a1.5 1.5 0 0 0-1.5-1.5H4A1.5 1.5 0 0 0 2.5 4v4.75a1.5 1.5 0 0 0 1.5 1.5h1.75"/>',
  deny: '<path d="M5 8h6"/>',
  down: '<path d="M4 6.25 8 10.25l4-4"/>',
  download: '<path d="M8 2.5v7M5 6.75 8 9.75l3-3M2.75 12.75h10.5"/>',
  eye: '<path d="M1.5 8S3.75 3.75 8 3.75 14.5 8 14.5 8 12.25 12.25 8 12.25 1.5 8 1.5 8Z"/><circle cx="8" cy="8" r="1.75"/>',
  failed:
    '<path d="M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5L5.5 2ZM6.1 6.1l3.8 3.8M9.9 6.1 6.1 9.9"/>',
  file: '<path d="M9 1.75H4.25a1.5 1.5 0 0 0-1.5 1.5v9.5a1.5 1.5 0 0 0 1.5 1.5h7.5a1.5 1.5 0 0 0 1.5-1.5V6L9 1.75ZM9 1.75V6h4.25"/>',
  folder:
    '<path d="M1.75 4a1.25 1.25 0 0 1 1.25-1.25h3L7.75 4.5H13A1.25 1.25 0 0 1 14.25 5.75V12A1.25 1.25 0 0 1 13 13.25H3A1.25 1.25 0 0 1 1.75 12V4Z"/>',
  history: '<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.5 1.5"/>',
  info: '<circle cx="8" cy="8" r="6"/><path d="M8 7.5v3.25M8 5.2v.01"/>',
  lake: '<path d="M13.25 4c0 1.25-2.35 2.25-5.25 2.25S2.75 5.25 2.75 4 5.1 1.75 8 1.75 13.25 2.75 13.25 4ZM13.25 4v8c0 1.25-2.35 2.25-5.25 2.25S2.75 13.25 2.75 12V4M13.25 8c0 1.25-2.35 2.25-5.25 2.25S2.75 9.25 2.75 8"/>',
  lock: '<rect x="3.25" y="7" width="9.5" height="6.5" rx="1.5"/><path d="M5.25 7V5a2.75 2.75 0 0 1 5.5 0v2"/>',
  mark: '<path d="M2 2.75h12M3.75 2.75v9M12.25 2.75v9M8 2.75v2.5M6 5.25h4v3.5H6z"/><path class="water" d="M1 13.25c1.17 0 1.17.9 2.33.9s1.17-.9 2.34-.9 1.16.9 2.33.9 1.17-.9 2.33-.9 1.17.9 2.34.9 1.16-.9 2.33-.9"/>',
  mixed:
    '<circle cx="5.25" cy="5.25" r="3.25"/><rect x="8" y="8" width="5.75" height="5.75" rx=".5"/>',
  more: '<path d="M3.25 8h.01M8 8h.01M12.75 8h.01"/>',
  new: '<path d="M8 3.25v9.5M3.25 8h9.5"/>',
  open: '<path d="M1.75 3h12.5M3.5 3v11M12.5 3v11M5.75 3v4.5h4.5V3M5.5 12c.85 0 .85.75 1.67.75S8 12 8.83 12s.84.75 1.67.75"/>',
  overview:
    '<path d="M2.75 11.75a5.75 5.75 0 1 1 10.5 0M8 9.25l2.5-3.5M8 9.25h.01M2.75 13.5h10.5"/>',
  partial: '<circle cx="8" cy="8" r="6"/><path d="M8 2a6 6 0 0 1 0 12Z" fill="currentColor"/>',
  paste:
    '<path d="M6 3H4.25a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h7.5a1 1 0 0 0 1-1V4a1 1 0 0 0-1-1H10M6 2h4v2.5H6V2Z"/>',
  passed: '<circle cx="8" cy="8" r="6"/><path d="m5.4 8.2 1.8 1.8 3.4-3.8"/>',
  play: '<path d="M4.75 3v10l7.75-5-7.75-5Z"/>',
  plus: '<path d="M8 3.25v9.5M3.25 8h9.5"/>',
  policy:
    '<path d="M8 1.75 13.25 3.5v4.25c0 3-2.1 5.25-5.25 6.5-3.15-1.25-5.25-3.5-5.25-6.5V3.5L8 1.75ZM5.75 7.75l1.6 1.6 2.9-3.1"/>',
  redo: '<path d="M13 6.25H6.75a3.75 3.75 0 0 0 0 7.5H10M10.25 3.25l3 3-3 3"/>',
  refresh: '<path d="M13 8a5 5 0 1 1-1.6-3.67L13 5.75M13 2.75v3h-3"/>',
  running: '<path d="M8 2a6 6 0 1 1-5.2 3"/>',
  same: '<path d="M3.5 6.25h9M3.5 9.75h9"/>',
  schemas:
    '<path d="M6.25 2.5c-1.6 0-2.25.65-2.25 2v1.75C4 7.4 3.4 8 2.25 8 3.4 8 4 8.6 4 9.75v1.75c0 1.35.65 2 2.25 2M9.75 2.5c1.6 0 2.25.65 2.25 2v1.75C12 7.4 12.6 8 13.75 8 12.6 8 12 8.6 12 9.75v1.75c0 1.35-.65 2-2.25 2"/>',
  search: '<circle cx="7" cy="7" r="4.25"/><path d="m10.25 10.25 3.25 3.25"/>',
  settings:
    '<path d="M2.25 4.5h5M11 4.5h2.75M2.25 11.5H5M8.75 11.5h5"/><circle cx="9.25" cy="4.5" r="1.75"/><circle cx="6.75" cy="11.5" r="1.75"/>',
  skipped: '<circle cx="8" cy="8" r="6"/><path d="m3.75 12.25 8.5-8.5"/>',
  swap: '<path d="m5 6 3-3 3 3M5 10l3 3 3-3"/>',
  syncs:
    '<path d="M13.25 6.75A5.4 5.4 0 0 0 3.4 5.1L2.5 6.25M2.5 3v3.25h3.25M2.75 9.25a5.4 5.4 0 0 0 9.85 1.65l.9-1.15M13.5 13V9.75h-3.25"/>',
  tables:
    '<rect x="2.25" y="2.75" width="11.5" height="10.5" rx="1.5"/><path d="M2.25 6.25h11.5M6.5 6.25v7"/>',
  terminal:
    '<rect x="1.75" y="2.75" width="12.5" height="10.5" rx="1.5"/><path d="m4.5 6 2 2-2 2M8.5 10.25h3"/>',
  trash: '<path d="M2.75 4.25h10.5M6 4.25v-1.5h4v1.5M4 4.25l.6 9h6.8l.6-9M6.75 7v3.5M9.25 7v3.5"/>',
  undo: '<path d="M3 6.25h6.25a3.75 3.75 0 0 1 0 7.5H6M5.75 3.25l-3 3 3 3"/>',
  unknown:
    '<circle cx="8" cy="8" r="6"/><path d="M6.3 6.4a1.75 1.75 0 1 1 2.55 1.55c-.55.3-.85.6-.85 1.15M8 11.2v.01"/>',
  upload: '<path d="M8 9.75v-7M5 5.5l3-3 3 3M2.75 12.75h10.5"/>',
  user: '<circle cx="8" cy="5.5" r="2.75"/><path d="M2.75 13.5c.5-2.6 2.5-4 5.25-4s4.75 1.4 5.25 4"/>',
  warning: '<path d="M8 2.25 14.25 13.5H1.75L8 2.25ZM8 6.75v3M8 11.6v.01"/>',
  wrench:
    '<path d="M13.6 4.6 11.25 7 9 4.75l2.4-2.35a3.5 3.5 0 0 0-4.5 4.5L2.4 11.4a1.55 1.55 0 0 0 2.2 2.2l4.5-4.5a3.5 3.5 0 0 0 4.5-4.5Z"/>',
} as const

export type IconName = keyof typeof icons

interface Policies {
  createPolicy(
    name: string,
    rules: { createHTML(name: string): string },
  ): {
    createHTML(name: string): unknown
  }
}

/** The one place that the page's policy lets make markup: it knows drawings by their names only. */
const drawings = (window as { trustedTypes?: Policies }).trustedTypes?.createPolicy(
  'headgate-icons',
  { createHTML: (name) => icons[name as IconName] },
)

/** A drawing as markup; where the browser has Trusted Types, as such. */
export function drawing(name: IconName): string {
  return (drawings?.createHTML(name) ?? icons[name]) as string
}
