import { vitePreprocess } from '@sveltejs/vite-plugin-svelte'
import { visible } from './visible.js'

export default { preprocess: [visible(), vitePreprocess()], compilerOptions: { runes: true } }
