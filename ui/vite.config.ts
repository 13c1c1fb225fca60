import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [svelte()],
  base: './',
  build: {
    // Keeps `light-dark()` as it is written, so that a theme that is chosen switches.
    target: 'safari18',
    modulePreload: { polyfill: false },
  },
  test: { include: ['src/**/*.test.ts'] },
})
