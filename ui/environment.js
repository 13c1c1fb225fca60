// Where vitest runs the page's modules: compiled as for a browser, so that runes react, with what modules
// touch when they are loaded and no document.

export default {
  name: 'page',
  viteEnvironment: 'client',
  setup(global) {
    const target = new EventTarget()
    global.window = global
    global.name = ''
    global.location = { hash: '' }
    global.history = {
      replaceState(_, __, address) {
        global.location.hash = address
      },
    }
    for (const method of ['addEventListener', 'removeEventListener', 'dispatchEvent'])
      global[method] = target[method].bind(target)
    return { teardown() {} }
  },
}
