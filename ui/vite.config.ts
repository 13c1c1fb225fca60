import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  base: './',
  build: {
    // Keeps `light-dark()` as it is written, so that a theme that is chosen switches.
    target: 'safari18',
    modulePreload: { polyfill: false },
    // One sheet: a part that several pages have is not loaded once for each.
    cssCodeSplit: false,
  },
  // Tests take the browser's part of Svelte, as the page does.
  ...(mode === 'test' ? { resolve: { conditions: ['browser'] } } : {}),
  test: { include: ['src/**/*.test.ts'], environment: './environment.js' },
}))
