// Between the page and the core: only commands of the table pass, and only of a bearable size.
// It never throws, for then every call would hang; what it refuses becomes an ordinary rejection.
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
