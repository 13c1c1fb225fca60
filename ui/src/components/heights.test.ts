// Tests of row positions, compared with adding the heights one by one.

import { expect, test } from 'vitest'
import { Heights } from './heights'

test('positions of rows with one height', () => {
  const heights = new Heights(28)
  expect([0, 1, 100_000].map((at) => heights.top(at))).toEqual([0, 28, 2_800_000])
  expect([-5, 0, 27, 28, 2_800_000].map((y) => heights.at(y))).toEqual([0, 0, 0, 1, 100_000])
})

/** Rows of any heights, added up one by one. */
function added(all: number[]): number[] {
  const tops = [0]
  for (const height of all) tops.push(tops.at(-1)! + height)
  return tops
}

test('positions of rows with several heights', () => {
  let seed = 7
  const random = (most: number) => (seed = (seed * 48_271) % 0x7fff_ffff) % most
  for (let round = 0; round < 200; round += 1) {
    const all = Array.from({ length: 1 + random(60) }, () =>
      random(3) === 0 ? 10 + random(90) : 28,
    )
    const others = all.flatMap((height, at): [number, number][] =>
      height === 28 ? [] : [[at, height]],
    )
    const heights = new Heights(28, others)
    const tops = added(all)
    expect(tops.map((_, at) => heights.top(at))).toEqual(tops)
    const places = Array.from({ length: tops.at(-1)! }, (_, y) => y)
    expect(places.map((y) => heights.at(y))).toEqual(
      places.map((y) => tops.findLastIndex((top) => top <= y)),
    )
  }
})

test('positions of 300 columns with 100 conflicts', () => {
  // A conflict has a second row of 40 pixels.
  const others = Array.from({ length: 100 }, (_, at): [number, number] => [at, 68])
  const heights = new Heights(28, others)
  expect(heights.top(300)).toBe(300 * 28 + 100 * 40)
  expect(heights.at(100 * 68 + 5 * 28)).toBe(105)
})
