// The registry of pages. The rail, the palette, addresses, keys and the list of keys are made from it, in this
// order.

import type { Component } from 'svelte'
import type { IconName } from './components/icons'

/** Where a page is in the rail: above its groups, in one of them, or at its foot. */
export type Group = 'top' | 'Who may write' | 'What flows in' | 'foot'

/** Something that can be begun on a page, from the palette. */
export interface PageAction {
  icon: IconName
  name: string
  blurb: string
  /** The rest of the page's address. */
  object?: string
  query?: Record<string, string>
}

export interface PageEntry {
  /** Its name in addresses. */
  id: string
  title: string
  icon: IconName
  group: Group
  /** What is there to see, in a few words. */
  blurb: string
  /** More words by which the palette finds it. */
  keywords: string
  /** The key that opens it with Ctrl, beside the number of its place. */
  key?: string
  actions?: readonly PageAction[]
  load: () => Promise<{ default: Component }>
}

export const pages = [
  {
    id: 'overview',
    title: 'Overview',
    icon: 'overview',
    group: 'top',
    blurb: 'What runs, what needs you, what changed',
    keywords: 'home start dashboard',
    load: () => import('./pages/overview/Overview.svelte'),
  },
  {
    id: 'policy',
    title: 'Trust policy',
    icon: 'policy',
    group: 'Who may write',
    blurb: 'Who may assume the role, and what a draft would change',
    keywords: 'iam role assume external id segment principal',
    actions: [
      {
        icon: 'policy',
        name: 'Open a role’s trust policy',
        blurb: 'Reads it from AWS',
        query: { go: 'open' },
      },
      {
        icon: 'file',
        name: 'Paste a trust policy',
        blurb: 'Needs no account',
        query: { go: 'paste' },
      },
      {
        icon: 'user',
        name: 'Try a caller',
        blurb: 'Now and with the draft',
        query: { go: 'try' },
      },
    ],
    load: () => import('./pages/policy/Policy.svelte'),
  },
  {
    id: 'schemas',
    title: 'Schemas',
    icon: 'schemas',
    group: 'What flows in',
    blurb: 'What events would make',
    keywords: 'preview columns types conflicts',
    actions: [{ icon: 'eye', name: 'Preview events', blurb: 'Writes nothing' }],
    load: () => import('./pages/schemas/Schemas.svelte'),
  },
  {
    id: 'tables',
    title: 'Tables',
    icon: 'tables',
    group: 'What flows in',
    blurb: 'What a lake holds',
    keywords: 'lake rows versions files delta',
    load: () => import('./pages/tables/Tables.svelte'),
  },
  {
    id: 'syncs',
    title: 'Syncs',
    icon: 'syncs',
    group: 'What flows in',
    blurb: 'Runs, and a new one',
    keywords: 'rejected lines values set aside discards dead letters queue',
    actions: [{ icon: 'plus', name: 'New sync', blurb: 'Events into a lake', object: 'new' }],
    load: () => import('./pages/syncs/Syncs.svelte'),
  },
  {
    id: 'settings',
    title: 'Settings',
    icon: 'settings',
    group: 'foot',
    blurb: 'Profiles, retention, batch size, look and keys, data folder',
    keywords:
      'preferences options keep profile account read-only switch theme text size zoom font letter keys',
    key: ',',
    load: () => import('./pages/settings/Settings.svelte'),
  },
] as const satisfies readonly PageEntry[]

export type Page = (typeof pages)[number]['id']

/** The entries with all that an entry may have. */
export const entries: readonly (PageEntry & { id: Page })[] = pages

/** The pages that Ctrl and a digit open. */
const digits = 9

/** The page that Ctrl and a key open. */
export function pageOfKey(key: string): Page | undefined {
  const place = /^[1-9]$/.test(key) ? Number(key) - 1 : -1
  return (entries[place] ?? entries.find((page) => page.key === key))?.id
}

/** The keys that open pages, and what they do. */
export function pageKeys(): [string, string][] {
  const last = Math.min(digits, entries.length)
  return [
    [`Ctrl 1 to ${last}`, 'pages, in the order of the rail'],
    ...entries.flatMap((page): [string, string][] =>
      page.key ? [[`Ctrl ${page.key}`, page.title.toLowerCase()]] : [],
    ),
  ]
}
