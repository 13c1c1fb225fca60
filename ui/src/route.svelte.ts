// Addresses inside the application: `/page/object?key=value`, kept behind the `#`.

export const pages = ['overview', 'policy', 'schemas', 'tables', 'syncs', 'settings'] as const
export type Page = (typeof pages)[number]

export interface Route {
  page: Page
  /** What stands behind the page, such as a run's id. */
  object: string
  query: Record<string, string>
  /** What was asked for, when there is no such page. */
  unknown: string
}

export function parse(address: string): Route {
  const [path = '', query = ''] = address.replace(/^#/, '').split('?', 2)
  const [first = '', ...rest] = path.split('/').filter(Boolean)
  const page = pages.find((known) => known === first.toLowerCase()) ?? 'overview'
  const object = page === first.toLowerCase() ? decode(rest.join('/')) : ''
  const unknown = first !== '' && page !== first.toLowerCase() ? decode(first) : ''
  return { page, object, query: Object.fromEntries(new URLSearchParams(query)), unknown }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function address(
  page: Page,
  object = '',
  query: Record<string, string | null | undefined> = {},
): string {
  const named = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1])
  const tail = new URLSearchParams(named).toString()
  const path =
    page === 'overview' ? '/' : `/${page}${object ? `/${encodeURIComponent(object)}` : ''}`
  return `#${path}${tail ? `?${tail}` : ''}`
}

let current = $state.raw(parse(location.hash))

addEventListener('hashchange', () => {
  current = parse(location.hash)
})

export const route = {
  get now(): Route {
    return current
  },
}

export function go(to: string): void {
  location.hash = to.replace(/^#?/, '#')
}

/** Changes the address without a step to go back to. */
export function replace(to: string): void {
  history.replaceState(null, '', to)
  current = parse(to)
}
