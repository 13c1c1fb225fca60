// Calls of the core: `ask`, with the generated types of all commands. Commands that neither report progress nor
// ask the user have a time limit.
//
// Tauri's way and that of the browser tests are both in every build, because the tests check the page that ships.

import { failure, type Host, type Name, type Options } from './host'
import { patient, type Commands } from './generated'
import { http } from './http'
import { tauri } from './tauri'

export * from './generated'
export { asFailure, newCall } from './host'

const host: Host = '__TAURI_INTERNALS__' in window ? tauri : http

/** How long the page waits for an answer of a command that neither reports progress nor asks the user. */
const mostMs = 120_000

/** Asks the core. Rejects with a `Failure`. */
export async function ask<K extends Name>(
  name: K,
  request: Commands[K]['request'],
  options?: Options<K>,
): Promise<Commands[K]['response']> {
  const answer = host.call(name, request, options)
  if (patient.has(name)) return answer
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `\`${name}\` has not answered for ${mostMs / 1000} s.`
      reject(failure('timed_out', message, 'Try it again; the log has more.'))
    }, mostMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
