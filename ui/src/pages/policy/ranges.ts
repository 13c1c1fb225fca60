// Positions in a text: the core counts bytes of UTF-8, as the documents for scripts promise, JavaScript counts
// units of UTF-16, and the editor counts every line break as one. They are converted here, once for each text. A
// position beyond the end is the end; one inside a character is its beginning. Pure.

/** Where the bytes of a text are in JavaScript's. */
export class Bytes {
  /** The byte in which each position of the text begins, and the text's length in bytes. */
  readonly #starts: Uint32Array

  constructor(text: string) {
    this.#starts = new Uint32Array(text.length + 1)
    let byte = 0
    for (let at = 0; at < text.length; at += 1) {
      this.#starts[at] = byte
      const code = text.codePointAt(at)!
      if (code > 0xffff) this.#starts[(at += 1)] = byte
      byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code <= 0xffff ? 3 : 4
    }
    this.#starts[text.length] = byte
  }

  /** The position in the text of a byte. */
  position(byte: number): number {
    const at = Math.max(0, below(this.#starts, byte + 1, (start) => start) - 1)
    return this.#starts[at] === this.#starts[at - 1] ? at - 1 : at
  }

  /** The byte of a position in the text. */
  byte(position: number): number {
    return this.#starts[Math.max(0, Math.min(position, this.#starts.length - 1))]!
  }
}

/** A part of the shown text that becomes another. */
export interface Change {
  from: number
  to: number
  insert: string
}

/** A text and what an editor shows of it: the same with every line break as one `\n`. */
export class Lines {
  readonly shown: string
  /** The positions of the breaks that take two. */
  readonly #wide: number[]

  constructor(readonly text: string) {
    this.shown = text.replace(/\r\n?/g, '\n')
    this.#wide = [...text.matchAll(/\r\n/g)].map((found) => found.index)
  }

  /** The place in what is shown of a position in the text. */
  place(position: number): number {
    return position - below(this.#wide, position, (wide) => wide)
  }

  /** The position in the text of a place in what is shown. */
  position(place: number): number {
    return place + below(this.#wide, place, (wide, before) => wide - before)
  }

  /** The text with changes of what is shown: new breaks as the first one is, all else as it was. */
  changed(changes: Change[]): string {
    const wide = /\r\n?|\n/.exec(this.text)?.[0] === '\r\n'
    let text = ''
    let done = 0
    for (const { from, to, insert } of changes) {
      text += this.text.slice(done, this.position(from))
      text += wide ? insert.replaceAll('\n', '\r\n') : insert
      done = this.position(to)
    }
    return text + this.text.slice(done)
  }
}

/** How many of a rising list are less than a value. */
function below(
  list: ArrayLike<number>,
  value: number,
  of: (item: number, at: number) => number,
): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (of(list[middle]!, middle) < value) low = middle + 1
    else high = middle
  }
  return low
}
