// Stands between the sandbox's driver and a published SmartWeave contract: calls its `handle` as
// the SmartWeave SDKs do, and turns what it gives back into what the driver takes. One expression,
// `(overlay, makeGlobals, makeKv, makeImports, bytes, makeBigNumber) => adapter`.
//
// Owners: it owns the facts of the message under way. Invariants: A1 what a contract throws by the
// name ContractError is the result `contract-error`, anything else `contract-exception`; state is
// as before after both. A2 a state that the contract returns keeps the reserved part of the state
// before it. A3 nothing of a message is reachable in the next: facts, BigNumber and exception are
// let go before the contract's scope runs again.
((overlay, makeGlobals, makeKv, makeImports, bytes, makeBigNumber) => {
  'use strict'
  /** Of the state's root: contract {id, owner}, kv. */
  const RESERVED = '$smartweave'
  const resolve = Promise.resolve.bind(Promise)
  const then = Function.prototype.call.bind(Promise.prototype.then)
  const { isArray } = Array
  const Fault = Error
  const EngineFault = InternalError

  /** Of the message under way; null while its contract's scope runs. */
  let root = null
  let entry = null
  /** Made when first asked for: most contracts ask for nothing. */
  let facts = null
  /** What is asked for is a view: told before the contract could say otherwise. */
  let isView = false
  let refusal = null
  let refusalCode = ''
  let finder = null
  const NOTHING = Object.freeze({})

  function now() {
    if (entry === null) throw new Fault('No current Tx: there is an interaction inside handle only')
    return (facts ??= factsOf(entry))
  }
  function reserved(make) {
    if (make && !Object.hasOwn(root, RESERVED)) root[RESERVED] = {}
    return root[RESERVED]
  }
  const tools = bytes()
  const globals = makeGlobals(now, makeKv(reserved), tools, makeBigNumber)

  function refuse(code, why) {
    refusalCode = code
    refusal = new Fault(code + ': ' + why)
    throw refusal
  }
  const imports = makeImports(reserved, refuse)

  // ---- what the contract is told

  /** `recorded`: facts of an interaction that was made elsewhere, where the host replays it. */
  function factsOf(action) {
    const recorded = action.smartweave ?? {}
    const block = recorded.block ?? {}
    const caller = recorded.owner ?? action.caller
    let tags = recorded.tags
    return {
      caller,
      message: action,
      id: recorded.id ?? action.id,
      owner: caller,
      target: recorded.target ?? '',
      get tags() {
        return (tags ??= Object.entries(action.tags).map(([name, value]) => ({ name, value })))
      },
      quantity: recorded.quantity ?? '0',
      reward: recorded.reward ?? '0',
      origin: recorded.origin ?? 'L2',
      dryRun: recorded.dryRun === true,
      sortKey: recorded.sortKey,
      height: block.height ?? imports.heightOf(action),
      seconds: block.timestamp ?? Math.floor(action.timestamp / 1000),
      blockHash: block.indep_hash,
      ms: action.timestamp,
      vrf: recorded.vrf,
      get contract() {
        return recorded.contract ?? reserved(false)?.contract ?? { id: undefined, owner: undefined }
      },
    }
  }
  /** The tag Input, else the data, else (and of a bounce) the tags, with Action as `function`. */
  function inputOf({ kind, tags, input }) {
    if (kind === 'bounce') return { ...tags, ...input, function: 'Bounce' }
    let found = input
    if (Object.hasOwn(tags, 'Input')) {
      try {
        found = JSON.parse(tags.Input)
      } catch {
        return refuse('input-malformed', 'the tag Input is no JSON')
      }
      if (!found) return refuse('input-malformed', 'the tag Input says nothing')
    }
    return found || { ...tags, function: tags.Action }
  }

  // ---- what came of it

  function textOf(thrown) {
    try {
      if (typeof thrown !== 'object' || thrown === null) return String(thrown)
      const { name, message } = thrown
      return (typeof name === 'string' ? name + ': ' : '') + String(message)
    } catch {
      return 'a value that has no text was thrown'
    }
  }
  function nameOf(thrown) {
    try {
      return thrown.name
    } catch {
      return undefined
    }
  }
  function failed(thrown) {
    const isOwn = thrown === refusal || overlay.codeOf(thrown) !== ''
    const overflow = thrown instanceof EngineFault && thrown.message === 'stack overflow'
    if (isOwn || overflow || nameOf(thrown) === 'ContractError') throw thrown
    return refuse('contract-exception', textOf(thrown))
  }
  /** An event of the outbox: a text as it is, anything else as JSON. */
  function eventOf(name, value) {
    const tags = { Action: name }
    if (value !== null) return { kind: 'event', tags, data: value }
    tags['Content-Type'] = 'application/json'
    return { kind: 'event', tags, data: 'null' }
  }
  function finished(value) {
    const none = typeof value !== 'object' || value === null
    const { state, result, event, messages, status } = none ? NOTHING : value
    const isHbs = messages !== undefined || status !== undefined
    if (state === undefined && result === undefined && !isHbs) {
      return refuse('contract-exception', 'Unexpected result from contract: ' + described(value))
    }
    const out = { state: undefined, messages, status }
    if (result !== undefined || event) tell(out, result, event)
    if (isView) {
      // What a view wrote is dropped, and what it says of the state must not hang on it.
      if (out.messages !== undefined) out.messages = JSON.parse(JSON.stringify(out.messages))
      overlay.undo()
      overlay.begin()
    } else if (state && state !== root) out.state = keeping(state)
    return out
  }
  function tell(out, result, event) {
    const events = []
    if (result !== undefined) events.push(eventOf('SmartWeave-Result', result))
    if (event) events.push(eventOf('SmartWeave-Event', event))
    if (out.messages === undefined) out.messages = events
    else if (isArray(out.messages)) out.messages = [...out.messages, ...events]
  }
  function keeping(state) {
    if (typeof state !== 'object' || isArray(state) || !Object.hasOwn(root, RESERVED)) return state
    return { ...state, [RESERVED]: root[RESERVED] }
  }
  function described(value) {
    try {
      return String(JSON.stringify(value))
    } catch {
      return typeof value
    }
  }

  /** The process that a spawn makes: its message's id, or what its parent's salt says. */
  function idOf({ id, from, caller, tags }) {
    if (from !== 'process' || !Object.hasOwn(tags, 'Spawn-Salt')) return id
    // H("hb.child.1", parent, salt), as std/hash-parts.ts lays it out.
    const parts = [new Uint8Array([10]), tools.toUtf8('hb.child.1')]
    for (const text of [caller, tags['Spawn-Salt']]) {
      const data = tools.toUtf8(text)
      const { length } = data
      parts.push(new Uint8Array([0, 0, length >> 8, length]), data)
    }
    return tools.urlSafe(tools.toBase64(tools.sha256(tools.concat(parts))))
  }

  // ---- the contract's turn

  function run(handle, state, action) {
    root = state
    entry = action
    isView = action.tags['Interaction-Type'] === 'view'
    if (action.kind === 'spawn') {
      const own = reserved(true)
      const owner = imports.begin(action, own)
      own.contract = { id: idOf(action), owner }
      return NOTHING
    }
    entry = imports.take(action)
    return entry === null ? NOTHING : runTaken(handle, state, entry)
  }
  function runTaken(handle, state, action) {
    let result
    try {
      result = handle(state, {
        input: inputOf(action),
        caller: action.smartweave?.owner ?? action.caller,
        interactionType: isView ? 'view' : 'write',
      })
      if (typeof result === 'object' && result !== null && typeof result.then === 'function') {
        return then(resolve(result), finished, failed)
      }
    } catch (thrown) {
      return failed(thrown)
    }
    return finished(result)
  }
  function find(given) {
    finder ??= given
  }
  // The contract has it in its scope.
  Object.freeze(find.prototype)
  Object.freeze(find)
  function handleOf(module) {
    let found
    try {
      found = finder?.()
    } catch {
      // Not declared where it was looked for: it may be exported.
    }
    if (typeof found === 'function') return found
    const { exports } = module
    if (typeof exports === 'function') return exports
    return exports?.handle ?? exports?.default?.handle ?? exports?.default
  }

  return {
    /** The driver's contract, of a wrapped source (see published.ts). */
    adapt(compiled) {
      // Reachable from the contract as arguments.callee.
      Object.freeze(compiled.prototype)
      Object.freeze(compiled)
      return (module, exports) => {
        root = entry = facts = refusal = finder = null
        globals.forget()
        compiled(module, exports, find)
        const handle = handleOf(module)
        if (typeof handle !== 'function') module.exports = NOTHING
        else module.exports = { handle: (state, action) => run(handle, state, action) }
      }
    },
    codeOf(thrown) {
      return refusal !== null && thrown === refusal ? refusalCode : overlay.codeOf(thrown)
    },
  }
})
