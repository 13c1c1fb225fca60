"""Another process reports many changes a second to the window; meanwhile the response time of the page is measured.

The changes use the socket by which the terminal command reports its own; each makes the page read everything again.
"""

import contextlib
import json
import socket
import threading
import time

CHANGE = b"changed " + json.dumps({"profile": "default", "tags": ["jobs", "runs", "lakes", "tables", "settings"]}).encode() + b"\n"

# Goes from page to page for some seconds. A click is answered once a frame shows the page that it leads to.
MEASURE = """
const [seconds, done] = arguments
const clicks = [], gaps = []
const frame = () => new Promise(requestAnimationFrame)
const link = (name) => [...document.querySelectorAll('.rail a')].find((one) => one.textContent.trim().startsWith(name))
async function visit(name) {
  link(name).click()
  do await frame(); while (!document.title.startsWith(name))
  await frame()
}
;(async () => {
  // What a page is made of is read when it is opened first.
  for (const name of ['Settings', 'Syncs']) await visit(name)
  const begun = performance.now()
  let goesOn = true, last = begun
  const watch = (now) => { gaps.push(now - last); last = now; if (goesOn) requestAnimationFrame(watch) }
  requestAnimationFrame(watch)
  for (let at = 0; performance.now() - begun < seconds * 1000; at += 1) {
    const clicked = performance.now()
    await visit(['Settings', 'Syncs'][at % 2])
    clicks.push(performance.now() - clicked)
    await new Promise((next) => setTimeout(next, 50))
  }
  goesOn = false
  clicks.sort((a, b) => a - b)
  done({ clicks: clicks.length, median: clicks[clicks.length >> 1], slowest: clicks.at(-1),
    frames: gaps.length / seconds, stalled: Math.max(...gaps) })
})()
"""


@contextlib.contextmanager
def flooded(data, a_second):
    """Tells the window of a data folder of so many changes a second. Yields what becomes how many it was told of."""
    told, stop = [0], threading.Event()

    def tell():
        begun = time.monotonic()
        while not stop.is_set():
            due = int((time.monotonic() - begun) * a_second)
            while told[0] < due and not stop.is_set():
                with socket.socket(socket.AF_UNIX) as window:
                    window.settimeout(5)
                    window.connect(str(data / "window.sock"))
                    window.sendall(CHANGE)
                told[0] += 1
            time.sleep(0.002)

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        yield told
    finally:
        stop.set()
        teller.join()


def answers(driver, seconds):
    """How the page answers for some seconds: milliseconds of the median and the slowest click, frames a second, and the
    longest time without one."""
    driver.set_script_timeout(seconds * 10)
    return driver.execute_async_script(MEASURE, seconds)
