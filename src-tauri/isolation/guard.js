// The isolation guard between the page and the core: only commands of the table pass, up to a size limit.
// It never throws, because then every call would hang; a refused call is rejected like any other.
'use strict'

const mostCharacters = 1_000_000

window.__TAURI_ISOLATION_HOOK__ = (message) => {
  const refused = { ...message, cmd: 'refused_by_guard', payload: {} }
  try {
    if (message.cmd === 'plugin:__TAURI_CHANNEL__|fetch') return message
    if (!window.headgateCommands.includes(message.cmd)) return refused
    if (JSON.stringify(message.payload ?? null).length > mostCharacters) return refused
    return message
  } catch {
    return refused
  }
}
