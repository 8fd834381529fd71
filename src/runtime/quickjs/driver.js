// Runs messages inside the sandbox: `(burn, makeOverlay, makeRealm) => [functions]`, which the host
// calls by their place in the list. The contract never sees any of them.
//
// Phases: load(snapshot) → make(function) → per message begin(action) or migrate(action) → (host
// runs the jobs) → end() → text()? → install | undo. Invariants: D1 begin, migrate, end and text
// never throw but for an interrupt or a fault of the engine: what a contract throws becomes text.
// D2 install runs no contract code; the host calls it without a gas limit. D3 every message starts
// without debt.
((burn, makeOverlay, makeRealm) => {
  'use strict'
  // Small charges are paid together: asking the host costs more than most of what is charged.
  const DEBT_MAX = 4000
  let debt = 0
  /** Spends gas; where none is left it never comes back. */
  function charge(cost) {
    debt += cost > 2000000000 ? 2000000000 : cost | 0
    if (debt > DEBT_MAX) pay()
  }
  function pay() {
    const cost = debt > 2000000000 ? 2000000000 : debt
    debt = 0
    if (burn(cost) === true) for (;;);
  }
  const parse = JSON.parse
  const json = JSON.stringify
  const limits = { depth: 64, size: 0, charge }
  // The overlay takes its natives before the realm wraps them and takes some away.
  const overlay = makeOverlay(limits)
  const realm = makeRealm(charge, overlay)
  const resolve = Promise.resolve.bind(Promise)
  const then = Function.prototype.call.bind(Promise.prototype.then)
  const slice = Function.prototype.call.bind(String.prototype.slice)
  const text = String
  const isArray = Array.isArray

  const IDLE = 0
  const DONE = 1
  const THROWN = 2
  const WAITING = 3
  const NONE = []
  const NOTHING = () => undefined
  let contract = null
  let phase = IDLE
  let outcome
  /** What was called, as its author knows it. */
  let called = 'handle'
  let textMax = 0
  /** What end() found, should the host want it as text. */
  let returned = null
  let next
  let edit
  let malformed = IDLE

  function failed(code, why) {
    return 'E' + code + '\n' + json(slice(why, 0, textMax))
  }
  /** What a thrown value says, whatever it is. */
  function describe(thrown) {
    try {
      if (typeof thrown === 'object' && thrown !== null) {
        const { message } = thrown
        if (typeof message === 'string') return message
      }
      return text(thrown)
    } catch {
      return 'a value that has no text was thrown'
    }
  }
  function thrownResult(thrown) {
    const code = overlay.codeOf(thrown)
    const why = describe(thrown)
    if (code !== '') return failed(code, slice(why, code.length + 2))
    if (malformed !== IDLE && thrown === malformed) {
      malformed = IDLE
      return failed('result-malformed', 'messages: ' + why)
    }
    const overflow = thrown instanceof InternalError && why === 'stack overflow'
    return failed(overflow ? 'stack-overflow' : 'contract-error', why)
  }
  function outboxText(messages) {
    try {
      return json(messages)
    } catch (thrown) {
      malformed = thrown
      throw thrown
    }
  }
  function finish() {
    const result = outcome
    if (phase === THROWN) return thrownResult(result)
    if (phase === WAITING) {
      return failed('promise-unsettled', called + ' returned a promise that never settled')
    }
    const none = result === undefined
    if (!none && (typeof result !== 'object' || result === null || isArray(result))) {
      const wanted = ' must return an object {state?, messages?, status?}'
      return failed('result-malformed', called + wanted)
    }
    const { state, messages, status } = result === undefined ? {} : result
    if (status !== undefined && status !== 'ok') {
      if (typeof status !== 'string') return failed('result-malformed', 'status must be a text')
      return failed('contract-error', status)
    }
    next = state
    edit = undefined
    const list = overlay.list(state)
    if (list === undefined) edit = overlay.settle(state)
    // What a list of messages means is what JSON.stringify says of it; the outbox check judges the
    // rest.
    if (messages !== undefined && !isArray(messages)) {
      return failed('result-malformed', 'messages must be a list')
    }
    returned = messages === undefined ? NONE : messages
    return [list, edit, returned, overlay.sized(), overlay.unsized()]
  }
  /** Gives what is asked, whatever is thrown, and pays for it. */
  function judged(ask) {
    let result
    try {
      result = ask()
    } catch (thrown) {
      result = thrownResult(thrown)
    }
    phase = IDLE
    outcome = undefined
    if (debt > 0) pay()
    return result
  }
  function asText() {
    const all = edit === undefined ? overlay.settle(next) : edit
    const out = outboxText(returned)
    return (all === undefined ? '[]' : json(all)) + '\n' + out + '\n' + overlay.size()
  }

  function begin(action) {
    phase = DONE
    outcome = undefined
    malformed = IDLE
    called = 'handle'
    debt = 0
    try {
      const input = parse(action)
      realm.reseed(input.id, input.height)
      const module = { exports: {} }
      contract(module, module.exports)
      const { handle } = module.exports
      if (typeof handle !== 'function') throw new TypeError('the module exports no handle')
      const result = handle(overlay.begin(), input)
      if (typeof result === 'object' && result !== null && typeof result.then === 'function') {
        phase = WAITING
        then(
          resolve(result),
          (value) => {
            phase = DONE
            outcome = value
          },
          (reason) => {
            phase = THROWN
            outcome = reason
          },
        )
      } else outcome = result
    } catch (thrown) {
      phase = THROWN
      outcome = thrown
    }
  }
  /**
   * As begin, of a module that takes over a state: its `migrate` is called, or nothing where it
   * has none. Every message would pay for a choice between the two within begin.
   */
  function migrate(action) {
    const own = contract
    contract = (module, exports) => {
      contract = own
      own(module, exports)
      called = 'migrate'
      const { handle, migrate: run = NOTHING } = module.exports
      if (typeof handle !== 'function') return
      if (typeof run !== 'function') throw new TypeError('migrate is no function')
      module.exports = { handle: run }
    }
    begin(action)
  }

  return [
    function load(snapshot, size, depth, sizeMax, errorText) {
      limits.depth = +depth
      limits.size = +sizeMax
      textMax = +errorText
      // An integer, as what comes after it.
      overlay.load(snapshot, size | 0)
    },
    function make(compiled) {
      contract = compiled
    },
    begin,
    /**
     * The error's text, or a list that the host reads: [list of texts, edit, messages, size, texts
     * of unknown size].
     */
    function end() {
      return judged(finish)
    },
    /** What end() found as text: changes, messages, size. */
    function text() {
      return judged(asText)
    },
    function install(size) {
      overlay.install(size)
      returned = next = edit = undefined
    },
    function undo() {
      phase = IDLE
      outcome = returned = next = edit = undefined
      overlay.undo()
    },
    function snapshot() {
      return overlay.snapshot()
    },
    /** Does the module's scope leave a handle? '' or why not. */
    function probe() {
      try {
        realm.reseed('', 0)
        const module = { exports: {} }
        contract(module, module.exports)
        return typeof module.exports.handle === 'function' ? '' : 'the module exports no handle'
      } catch (thrown) {
        return 'its scope: ' + slice(describe(thrown), 0, 512)
      }
    },
    function spin(times) {
      for (let i = +times; i > 0; i--);
    },
    migrate,
  ]
})
