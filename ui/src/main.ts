// The entry point: mounts the application, and sends errors of the page to the log, because a window has no
// console.

import { mount } from 'svelte'
import './style/tokens.css'
import './style/base.css'
import App from './App.svelte'
import { ask } from './api'

let told = 0
function tell(kind: string, text: string): void {
  told += 1
  if (told <= 20) void ask('page_log_error', { kind, text: text.slice(0, 4_000) }).catch(() => {})
}
addEventListener('error', (event) => tell('error', `${event.message} at ${event.filename}`))
addEventListener('unhandledrejection', (event) => tell('rejection', String(event.reason)))
addEventListener('securitypolicyviolation', (event) =>
  tell('policy', `${event.violatedDirective} refused ${event.blockedURI}`),
)
const say = console.error.bind(console)
console.error = (...said: unknown[]) => {
  tell('console', said.map(String).join(' '))
  say(...said)
}

const target = document.getElementById('page')
if (target) {
  target.replaceChildren()
  mount(App, { target })
}
