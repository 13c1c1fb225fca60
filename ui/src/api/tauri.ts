// Calls the core through Tauri, behind the isolation guard. Used in the window.

import { Channel, invoke } from '@tauri-apps/api/core'
import { asFailure, newCall, shown, type Host } from './host'

export const tauri: Host = {
  async call(name, request, options = {}) {
    let channel: Channel<never> | undefined
    if (options.progress) {
      channel = new Channel<never>()
      channel.onmessage = options.progress
    }
    try {
      return await invoke(name, {
        call: options.call ?? newCall(),
        profile: shown.profile,
        request,
        channel: channel?.toJSON() ?? null,
      })
    } catch (thrown) {
      throw asFailure(thrown)
    }
  },
}
