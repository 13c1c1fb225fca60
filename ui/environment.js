// The environment of the page's unit tests: modules are compiled for a browser, so that runes are reactive, with
// the globals that they use when loaded and without a document.

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
