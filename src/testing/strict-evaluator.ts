// Finds contracts that keep something outside of their state: in production each message meets the
// module's scope afresh, and what was kept there is gone.
//
// Each message is evaluated in a sandbox that has seen nothing else, and that is its result. Beside
// it the contract runs twice more as plain code: once with its scope evaluated afresh, once with
// the scope that its earlier messages left. If those two differ, something was kept. Neither sees a
// clock or real randomness, so nothing else can make them differ.
// Invariant: S1 results are the sandbox's; what runs beside it is only compared.

import { Script, createContext } from 'node:vm'
import type { Context } from 'node:vm'
import { applyChanges, stateAfter } from '../protocol/changes.ts'
import type { Changes, JsonObject } from '../protocol/changes.ts'
import type { Evaluator, EvaluatorCommand, EvaluatorReply } from '../runtime/evaluator/port.ts'
import type { ModuleSource } from '../runtime/port.ts'
import { HbError } from '../std/errors.ts'
import { parseJson } from '../std/json-text.ts'

/** What a contract may take beside the sandbox, which bounds it by gas: ms. */
const BESIDE_MS_MAX = 2_000
const SHOWN_MAX = 200

type Evaluates = Extract<EvaluatorCommand, { kind: 'evaluate' | 'upgrade' }>

type Watched = {
  readonly open: Extract<EvaluatorCommand, { kind: 'open' }>
  readonly state: JsonObject
  /** The scope that earlier messages left; undefined: this engine has no script. */
  readonly kept: PlainContract | undefined
}

/** `onKept`: told once for each process, with `test-state-outside`. */
export function strictEvaluator(inner: Evaluator, onKept: (error: HbError) => void): Evaluator {
  const watched = new Map<string, Watched>()
  const told = new Set<string>()

  async function evaluate(command: Evaluates): Promise<EvaluatorReply> {
    const { process } = command
    const before = watched.get(process)
    if (before === undefined) return one(inner, command)
    const { changes: _, ...again } = before.open
    await one(inner, { ...again, snapshot: JSON.stringify(before.state) })
    const reply = await one(inner, command)
    if (reply.kind !== 'evaluated') return reply
    const { evaluation } = reply
    const { kept } = before
    // what the sandbox had to stop is not run without a bound
    const isBounded = evaluation.status === 'ok' || evaluation.code === 'contract-error'
    const isSame = command.kind === 'evaluate'
    if (isSame && kept !== undefined && isBounded && !told.has(process)) {
      const state = JSON.stringify(before.state)
      const fresh = new PlainContract(before.open.module).run(state, command.action)
      const difference = differing(fresh, kept.run(state, command.action))
      if (difference !== undefined) {
        told.add(process)
        onKept(new HbError('test-state-outside', `process ${process}: ${difference}`))
      }
    }
    if (evaluation.status === 'error') return reply
    const state = applyChanges(before.state, parseJson(evaluation.changes) as Changes)
    watched.set(process, isSame ? { ...before, state } : succeeding(before, command, state))
    return reply
  }

  async function run(command: EvaluatorCommand): Promise<EvaluatorReply> {
    if (command.kind === 'evaluate' || command.kind === 'upgrade') return evaluate(command)
    const reply = await one(inner, command)
    const { process } = command
    if (command.kind === 'close') watched.delete(process)
    if (command.kind !== 'open' || reply.kind !== 'opened') return reply
    const { module, snapshot, changes = [] } = command
    const earlier = watched.get(process)
    const isSame = earlier?.open.module.hash === module.hash
    const fresh = module.engine === 'quickjs' ? new PlainContract(module) : undefined
    const kept = isSame ? earlier.kept : fresh
    watched.set(process, { open: command, state: stateAfter(snapshot, changes), kept })
    return reply
  }

  return {
    levels: inner.levels,
    async run(commands) {
      const replies: EvaluatorReply[] = []
      for (const command of commands) replies.push(await run(command))
      return replies
    },
    figures: () => inner.figures(),
    close: () => inner.close(),
  }
}

/** Behind an upgrade: what `migrate` left in the new module's scope is there from now on. */
function succeeding(
  before: Watched,
  { module, action }: Extract<Evaluates, { kind: 'upgrade' }>,
  state: JsonObject,
): Watched {
  const kept = module.engine === 'quickjs' ? new PlainContract(module) : undefined
  kept?.run(JSON.stringify(before.state), action)
  return { open: { ...before.open, module }, state, kept }
}

async function one(inner: Evaluator, command: EvaluatorCommand): Promise<EvaluatorReply> {
  const [reply] = await inner.run([command])
  return reply as EvaluatorReply
}

/** The words that differ, or undefined. */
function differing(fresh: string, kept: string): string | undefined {
  if (fresh === kept) return undefined
  let at = 0
  while (fresh[at] === kept[at]) at += 1
  const from = Math.max(0, at - SHOWN_MAX / 4)
  const shown = (text: string): string => text.slice(from, from + SHOWN_MAX)
  return `afresh it gives …${shown(fresh)}, after its earlier messages …${shown(kept)}`
}

/** A contract's script as plain code, in a context of its own, as deterministic as the sandbox. */
class PlainContract {
  readonly #context: Context = createContext({}, { microtaskMode: 'afterEvaluate' })

  constructor({ source }: ModuleSource) {
    const made = `(() => { const module = { exports: {} }
      ;((module, exports) => { 'use strict'; ${source}\n})(module, module.exports)
      return module.exports })()`
    const caught = 'catch (error) { globalThis.no = error }'
    this.#run(`${CALM}\ncalm(); try { globalThis.contract = ${made} } ${caught}`)
  }

  /** What it makes of a message, as text. */
  run(state: string, action: string): string {
    const [input, given] = [state, action].map((text) => JSON.stringify(text))
    try {
      this.#run(`calm(); globalThis.told = 'a promise that never settled'; void (async () => {
        const [state, action] = [JSON.parse(${input}), JSON.parse(${given})]
        try {
          if (globalThis.no !== undefined) throw globalThis.no
          const { handle, migrate = () => undefined } = globalThis.contract
          const called = action.kind === 'upgrade' ? migrate : handle
          const result = (await called(state, action)) ?? {}
          const { state: after = state, messages = [], status = 'ok' } = result
          globalThis.told = JSON.stringify({ status, state: after, messages })
        } catch (error) { globalThis.told = 'throws ' + error }
      })()`)
      return String(this.#run('globalThis.told'))
    } catch (error) {
      return `throws ${String(error)}`
    }
  }

  #run(code: string): unknown {
    return new Script(code).runInContext(this.#context, { timeout: BESIDE_MS_MAX })
  }
}

/** The same numbers and the same time for every message. */
const CALM = `{
  let seed = 0
  globalThis.calm = () => void (seed = 0)
  Math.random = () => ((seed = (seed * 16807 + 1) % 2147483647) / 2147483647)
  globalThis.Date = class extends Date {
    constructor(...given) { super(...(given.length > 0 ? given : [0])) }
    static now() { return 0 }
  }
}`
