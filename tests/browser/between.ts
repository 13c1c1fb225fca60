// A proxy between the product and the simulated account: it loses answers, refuses to answer and delays requests,
// as a network and a service do.

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { reaching, served, testAws, type Account } from './product'

/**
 * What becomes of a request: it passes, its answer is lost, or it is not passed on and answered with 500 or
 * with what AWS says of a session that has ended.
 */
export type Fate = 'pass' | 'lose' | 'fail' | 'expire'

const expired =
  '<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error><RequestId>r-1</RequestId></ErrorResponse>'

export interface Between {
  /** Says what becomes of a call of AWS; `wrote` is how many writes of a policy have come so far. */
  fate: (action: string, wrote: number) => Fate | Promise<Fate>
}

async function text(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const part of request) body += String(part)
  return body
}

/** Tests against an account behind such a server. */
export const testBetween = testAws.extend<{ between: Between & { url: string } }>({
  between: async ({ account }, use) => {
    let wrote = 0
    const between: Between & { url: string } = { url: '', fate: () => 'pass' }
    const server = createServer(async (request, response) => {
      const body = await text(request)
      const action = new URLSearchParams(body).get('Action') ?? ''
      const fate = await between.fate(action, wrote)
      if (action === 'UpdateAssumeRolePolicy') wrote += 1
      if (fate === 'fail') return response.writeHead(500).end()
      if (fate === 'expire')
        return response.writeHead(403, { 'content-type': 'text/xml' }).end(expired)
      const answer = await pass(request, body, account)
      if (fate === 'lose') return request.socket.destroy()
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? '',
      })
      response.end(await answer.text())
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    between.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await use(between)
    server.closeAllConnections()
    server.close()
  },
  product: async ({ account, between }, use) => served(use, reaching(between.url, account)),
})

function pass(request: IncomingMessage, body: string, account: Account): Promise<Response> {
  const headers = new Headers()
  for (const name of ['authorization', 'content-type', 'x-amz-date', 'x-amz-target']) {
    const value = request.headers[name]
    if (typeof value === 'string') headers.set(name, value)
  }
  const bare = ['GET', 'HEAD'].includes(request.method ?? '')
  return fetch(`${account.url}${request.url ?? '/'}`, {
    method: request.method ?? 'POST',
    headers,
    ...(bare ? {} : { body }),
  })
}
