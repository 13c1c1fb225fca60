// Addresses inside the application: `/page/object?key=value`, behind the `#`. Ours: a few
// flat pages need no router.

import { entries, type Page } from './pages'

export type { Page }

export interface Route {
  page: Page
  /** The part behind the page, such as a run's id. */
  object: string
  query: Record<string, string>
  /** The requested address, when there is no such page. */
  unknown: string
}

const home = entries[0]!.id

export function parse(address: string): Route {
  const [path = '', query = ''] = address.replace(/^#/, '').split('?', 2)
  const [first = '', ...rest] = path.split('/').filter(Boolean)
  const page = entries.find(({ id }) => id === first.toLowerCase())?.id
  return {
    page: page ?? home,
    object: page ? decode(rest.join('/')) : '',
    query: Object.fromEntries(new URLSearchParams(query)),
    unknown: page ? '' : decode(first),
  }
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
  const rest = object ? `/${encodeURIComponent(object)}` : ''
  const path = page === home && !rest ? '/' : `/${page}${rest}`
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
