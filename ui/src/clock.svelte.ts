// The current time, updated every ten seconds, for texts such as "3 minutes ago". It triggers no reading.

class Clock {
  now = $state(Date.now())

  begin(): void {
    setInterval(() => (this.now = Date.now()), 10_000)
  }
}

export const clock = new Clock()
