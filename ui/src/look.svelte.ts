// How the page looks and which keys it takes, as the settings have it: the theme, the size, single letters.

import { ask, type Settings, type SettingsChange, type SettingsReport } from './api'

/** The sizes that keys and the wheel go through, in percent. */
export const sizes = [80, 90, 100, 110, 125, 150, 175, 200] as const

class Look {
  /** How large the page is, in percent of its own size. The window draws it so. */
  zoom = $state(100)
  /** Whether single letters and signs are keys. */
  letterKeys = $state(true)

  /** Changes follow one another, however fast they are made. */
  #kept: Promise<unknown> = Promise.resolve()

  /** Has the page look as the settings say. */
  take(settings: Settings): void {
    const root = document.documentElement
    if (settings.theme === 'system') delete root.dataset.theme
    else root.dataset.theme = settings.theme
    this.zoom = settings.zoom_percent
    this.letterKeys = settings.letter_keys
  }

  /** Changes settings. Rejects with a `Failure`. */
  change(part: SettingsChange): Promise<SettingsReport> {
    return this.#keep(() => part)
  }

  /** Shows the page larger or smaller by a step, or in its own size again. Rejects with a `Failure`. */
  zoomBy(by: 1 | -1 | 0): Promise<SettingsReport> {
    return this.#keep(() => ({ zoom_percent: this.#size(by) }))
  }

  #keep(part: () => SettingsChange): Promise<SettingsReport> {
    const changed = this.#kept.then(async () => {
      const report = await ask('settings_change', part())
      this.take(report.settings)
      return report
    })
    this.#kept = changed.catch(() => {})
    return changed
  }

  /** The next size; the outermost stays. */
  #size(by: 1 | -1 | 0): number {
    if (by === 0) return 100
    return by > 0
      ? (sizes.find((size) => size > this.zoom) ?? sizes.at(-1)!)
      : (sizes.findLast((size) => size < this.zoom) ?? sizes[0])
  }
}

export const look = new Look()
