import { expect, test, vi } from 'vitest'
import { live } from './live'

test('what changes fast is said once, all of it, when it stands still', () => {
  vi.useFakeTimers()
  const [lead, findings] = [{}, {}]
  live.say(lead, 'Analyzing the policy.')
  vi.advanceTimersByTime(400)
  expect(live.text).toBe('')
  live.say(lead, 'The draft opens\n  1 cell.')
  live.say(findings, '2 in the draft')
  vi.advanceTimersByTime(499)
  expect(live.text).toBe('')
  vi.advanceTimersByTime(1)
  expect(live.text).toBe('The draft opens 1 cell. 2 in the draft')
  live.say(lead, '')
  vi.advanceTimersByTime(500)
  expect(live.text).toBe('')
  vi.useRealTimers()
})
