// Tests of positions in texts with characters outside ASCII and all kinds of line breaks.

import { expect, test } from 'vitest'
import { Bytes, Lines } from './ranges'

const texts = [
  '',
  '{"Sid":"a"}',
  'é{"Süd":"ÿ"}',
  '\ufeff{"a":"€"}',
  'a😀b😀😀',
  '日本\n語',
  '\ud800x\udc00',
]

test.each(texts)('every character of %j is where its bytes are', (text) => {
  const bytes = new Bytes(text)
  const encoder = new TextEncoder()
  let at = 0
  for (const character of text) {
    const start = encoder.encode(text.slice(0, at)).length
    const length = encoder.encode(character).length
    for (let byte = start; byte < start + length; byte += 1) {
      expect(bytes.position(byte), `byte ${byte}`).toBe(at)
    }
    for (let unit = 0; unit < character.length; unit += 1) expect(bytes.byte(at + unit)).toBe(start)
    at += character.length
  }
  const end = encoder.encode(text).length
  expect([bytes.position(end), bytes.byte(text.length)]).toEqual([text.length, end])
})

test('positions out of range are clamped', () => {
  const bytes = new Bytes('aé')
  expect([-1, 4, 1e9].map((byte) => bytes.position(byte))).toEqual([0, 2, 2])
  expect([-1, 3, 1e9].map((position) => bytes.byte(position))).toEqual([0, 3, 3])
})

const broken = ['', 'a', 'a\nb', '\r\na\r\n\r\nb', 'a\rb\r\nc\nd\r\n', '\r\r\n\n']

test.each(broken)('every break of %j is shown as one', (text) => {
  const lines = new Lines(text)
  expect(lines.shown).not.toContain('\r')
  for (let place = 0; place <= lines.shown.length; place += 1) {
    const position = lines.position(place)
    expect(lines.place(position)).toBe(place)
    expect(new Lines(text.slice(0, position)).shown).toBe(lines.shown.slice(0, place))
  }
})

test('a position inside a line break is before it', () => {
  expect(new Lines('a\r\nb').place(2)).toBe(1)
})

test('a change leaves every other byte as it was', () => {
  const mixed = new Lines('{\r\n "a": 1,\n "b": 2\r\n}\r')
  const shown = mixed.shown
  const one = shown.indexOf('1')
  const end = shown.indexOf('2') + 1
  expect(
    mixed.changed([
      { from: one, to: one + 1, insert: '10' },
      { from: end, to: end, insert: ',\n "c": 3' },
    ]),
  ).toBe('{\r\n "a": 10,\n "b": 2,\r\n "c": 3\r\n}\r')
  expect(mixed.changed([{ from: 1, to: 2, insert: '' }])).toBe('{ "a": 1,\n "b": 2\r\n}\r')
  expect(new Lines('a\nb').changed([{ from: 3, to: 3, insert: '\n' }])).toBe('a\nb\n')
  expect(new Lines('').changed([{ from: 0, to: 0, insert: 'a\n' }])).toBe('a\n')
})
