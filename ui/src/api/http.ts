// Calls the core over loopback HTTP, for browser tests. Progress is one JSON document a line.

import { asFailure, failure, newCall, shown, type Host } from './host'

type Line = { progress: never } | { answer: never } | { failure: never }

export const http: Host = {
  async call(name, request, options = {}) {
    const body = JSON.stringify({
      call: options.call ?? newCall(),
      profile: shown.profile,
      request,
    })
    const headers = { 'content-type': 'application/json' }
    try {
      const response = await fetch(`call/${name}`, { method: 'POST', headers, body })
      if (!response.body) throw failure('host_gone', 'The host did not answer.', 'Start it again.')
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      let rest = ''
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        const lines = (rest + value).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const said = JSON.parse(line) as Line
          if ('answer' in said) return said.answer
          if ('failure' in said) throw said.failure
          options.progress?.(said.progress)
        }
      }
    } catch (thrown) {
      throw asFailure(thrown)
    }
    throw failure('host_gone', 'The host ended in the middle of an answer.', 'Start it again.')
  },
}
