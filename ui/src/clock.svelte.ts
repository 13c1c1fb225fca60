// Now, to the tenth second: what "3 minutes ago" is drawn from. Nothing is read by it.

class Clock {
  now = $state(Date.now())

  begin(): void {
    setInterval(() => (this.now = Date.now()), 10_000)
  }
}

export const clock = new Clock()
