// Tests of profiles: which one is in use, changes, and their summary in words.

import { beforeEach, expect, test, vi } from 'vitest'
import type { CoreEvent, Profile, Tag } from './api'
import { ProfileBook, reachOf, settingsOf, whyReadOnly } from './profiles.svelte'

const { ask } = vi.hoisted(() => ({ ask: vi.fn() }))
vi.mock('./api', () => ({ ask }))
vi.mock('./api/events.svelte', () => ({ events: { listen: () => () => {} } }))

const profile = (name: string, more: Partial<Profile> = {}): Profile => ({
  ...settingsOf(),
  name,
  id: name,
  in_use: false,
  workspace_url: null,
  workspace_id: null,
  account_url: null,
  account_id: null,
  auth: null,
  application_id: null,
  storage_credential: null,
  external_location: null,
  catalog: null,
  warehouse_id: null,
  credentials: { admin: 'none', principal: 'none' },
  ...more,
})
const changed = (...tags: Tag[]): CoreEvent => ({
  kind: 'changed',
  tags,
  profile: 'a',
  revision: 1,
})

beforeEach(() => ask.mockReset())

test('the profile in use is known, and followed', async () => {
  const book = new ProfileBook()
  ask.mockResolvedValueOnce({ v: 1, profiles: [profile('a', { in_use: true }), profile('b')] })
  await book.begin()
  expect(book.inUse?.name).toBe('a')
  book.hear(changed('runs'))
  expect(ask).toHaveBeenCalledTimes(1)
  ask.mockResolvedValueOnce({ v: 1, profiles: [profile('a'), profile('b', { in_use: true })] })
  book.hear(changed('profiles'))
  await vi.waitFor(() => expect(book.inUse?.name).toBe('b'))
  // One that cannot be read stays as it is.
  ask.mockRejectedValueOnce(new Error('busy'))
  book.hear({ kind: 'missed' })
  await Promise.resolve()
  expect(book.inUse?.name).toBe('b')
})

test('an older list of profiles is not shown after a newer one', async () => {
  const book = new ProfileBook()
  let late = (_: unknown) => {}
  ask.mockReturnValueOnce(new Promise((done) => (late = done)))
  const first = book.read()
  ask.mockResolvedValueOnce({ v: 1, profiles: [profile('new', { in_use: true })] })
  await book.read()
  late({ v: 1, profiles: [profile('old', { in_use: true })] })
  await first
  expect(book.inUse?.name).toBe('new')
})

test('a change asks the core, then reads again', async () => {
  const book = new ProfileBook()
  ask.mockResolvedValue({ v: 1, profiles: [] })
  const settings = settingsOf(profile('a'))
  await book.save(null, settings)
  await book.save('a', { ...settings, name: 'b' })
  await book.use('b')
  await book.remove('a')
  const asked = ask.mock.calls.filter(([name]) => name !== 'profiles_list')
  expect(asked).toEqual([
    ['profiles_add', settings],
    ['profiles_change', { name: 'a', settings: { ...settings, name: 'b' } }],
    ['profiles_use', { name: 'b' }],
    ['profiles_remove', { name: 'a' }],
  ])
})

test('only the settings of a profile are sent', () => {
  expect(Object.keys(settingsOf(profile('a'))).toSorted()).toEqual(
    Object.keys(settingsOf()).toSorted(),
  )
})

test('the summary of a profile', () => {
  const { aws } = settingsOf()
  expect(reachOf({ aws })).toBe('Default credential chain')
  expect(reachOf({ aws: { ...aws, profile: 'work', region: 'eu-central-1' } })).toBe(
    'AWS profile work, eu-central-1',
  )
  expect(whyReadOnly(undefined)).toBe('')
  expect(whyReadOnly(profile('a'))).toBe('')
  expect(whyReadOnly(profile('a', { read_only: true }))).toMatch(/^Profile a is read-only\./)
})
