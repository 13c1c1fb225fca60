// Playwright's configuration: the projects `pages` and `styles`, one worker.

import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  outputDir: './results',
  timeout: 180_000,
  workers: 1,
  reporter: [['list']],
  projects: [
    { name: 'pages', testIgnore: 'styles.spec.ts' },
    // What the others used of the page's styles, added up; asked for with HEADGATE_STYLES=1, not part of make test.
    ...(process.env.HEADGATE_STYLES
      ? [{ name: 'styles', testMatch: 'styles.spec.ts', dependencies: ['pages'] }]
      : []),
  ],
  use: {
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
    viewport: { width: 1280, height: 800 },
    timezoneId: 'Europe/Berlin',
  },
})
