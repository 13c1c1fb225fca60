// The positions of rows in a long table in which most rows have the same height and some are taller. Pure.

export class Heights {
  readonly #usual: number
  /** The other rows: where each begins, and how much it has beyond the usual. */
  readonly #others: { index: number; top: number; extra: number }[]

  /** Takes the height of a row, and the heights of those that have another one, in their order. */
  constructor(usual: number, others: Iterable<[index: number, height: number]> = []) {
    this.#usual = usual
    let before = 0
    this.#others = [...others].map(([index, height]) => {
      const extra = height - usual
      before += extra
      return { index, top: index * usual + before - extra, extra }
    })
  }

  /** How far below the first row's top a row begins; for the number of rows, how high all are. */
  top(index: number): number {
    const last = this.#others.findLast((one) => one.index < index)
    if (!last) return index * this.#usual
    return last.top + last.extra + (index - last.index) * this.#usual
  }

  /** The row that is so far below the first row's top. */
  at(y: number): number {
    const last = this.#others.findLast((one) => one.top <= y)
    if (!last) return Math.max(0, Math.floor(y / this.#usual))
    return last.index + Math.max(0, Math.floor((y - last.top - last.extra) / this.#usual))
  }
}
