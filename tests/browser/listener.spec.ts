// The loopback host of the tests limits connections that send no request.

import { connect, type Socket } from 'node:net'
import { expect, test } from './product'

/** A connection that sends a text and waits; and when it was closed. */
function silent(url: string, says: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  return new Promise((done, fail) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(says)
      done(socket)
    })
    socket.on('error', fail)
  })
}

const closed = (socket: Socket) =>
  new Promise<void>((done) => {
    socket.on('close', () => done())
    socket.resume()
  })

test('more connections than it keeps, all of them silent, are closed and the page is answered', async ({
  page,
  product,
}) => {
  test.setTimeout(60_000)
  const own = new URL(product.url).host
  const says = [
    '',
    'GET / HTTP/1.1\r\n',
    `POST /call/app_start HTTP/1.1\r\nhost: ${own}\r\ncontent-length: 9\r\n\r\n`,
  ]
  const open = await Promise.all(
    Array.from({ length: 100 }, (_, at) => silent(product.url, says[at % says.length]!)),
  )
  const all = Promise.all(open.map(closed))
  await page.goto(product.url, { timeout: 40_000 })
  await expect(page.locator('main h1')).toBeVisible()
  await all
})
