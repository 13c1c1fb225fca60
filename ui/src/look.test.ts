import { beforeEach, expect, test, vi } from 'vitest'
import type { Settings } from './api'
import { played } from './api/played'
import { look } from './look.svelte'

vi.mock('./api/http', async () => ({ http: (await import('./api/played')).played.host }))

const settings: Settings = {
  theme: 'system',
  zoom_percent: 100,
  letter_keys: true,
  keep_runs_days: 90,
  keep_letters_days: 90,
  batch_mb: 128,
}

beforeEach(() => {
  played.calls = []
  vi.stubGlobal('document', { documentElement: { dataset: {} } })
  look.take(settings)
})

/** Goes a step, and returns the size that was asked for. */
async function step(by: 1 | -1 | 0): Promise<number> {
  const asked = played.of('settings_change').length
  const done = look.zoomBy(by)
  await vi.waitFor(() => expect(played.of('settings_change')).toHaveLength(asked + 1))
  const { zoom_percent } = played.last('settings_change').request as { zoom_percent: number }
  await played.last('settings_change').answer({ settings: { ...settings, zoom_percent } })
  await done
  return zoom_percent
}

test('sizes are gone through one by one, end, and go back', async () => {
  const up: number[] = []
  for (let turn = 0; turn < 6; turn += 1) up.push(await step(1))
  expect(up).toEqual([110, 125, 150, 175, 200, 200])
  const down: number[] = []
  for (let turn = 0; turn < 8; turn += 1) down.push(await step(-1))
  expect(down).toEqual([175, 150, 125, 110, 100, 90, 80, 80])
  expect(await step(0)).toBe(100)
})

test('a size that was set in the terminal need not be one of them', async () => {
  look.zoom = 137
  expect(await step(1)).toBe(150)
  look.zoom = 137
  expect(await step(-1)).toBe(125)
})

test('a change is sent once the one before it is answered', async () => {
  const first = look.change({ zoom_percent: 110 })
  const second = look.change({ zoom_percent: 125 })
  await vi.waitFor(() => expect(played.of('settings_change')).toHaveLength(1))
  await played.last('settings_change').answer({ settings: { ...settings, zoom_percent: 110 } })
  await first
  await vi.waitFor(() => expect(played.of('settings_change')).toHaveLength(2))
  expect(look.zoom).toBe(110)
  await played.last('settings_change').answer({ settings: { ...settings, zoom_percent: 125 } })
  await second
  expect(look.zoom).toBe(125)
})

test('a change that fails leaves what is, and keeps no later one back', async () => {
  const first = look.change({ zoom_percent: 110 })
  await vi.waitFor(() => expect(played.of('settings_change')).toHaveLength(1))
  await played.last('settings_change').fail('store_locked')
  await expect(first).rejects.toMatchObject({ code: 'store_locked' })
  expect(look.zoom).toBe(100)
  void look.change({ theme: 'dark' })
  await vi.waitFor(() => expect(played.of('settings_change')).toHaveLength(2))
})
