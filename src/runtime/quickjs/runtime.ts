// The `quickjs` runtime: one sandbox per open process, its state inside (port.ts says what a
// Runtime promises).
//
// Owners: the runtime owns the engine and the image; an instance owns its sandbox. Invariants: Q1
// what a machine fault means depends on nothing but (state, action, module): in an instance that
// has evaluated before it is a SandboxSpent (open again and repeat), in a fresh one, whose memory
// is a function of those three, it is the result 'memory-exhausted'. Q2 after either the instance
// is dead. Q3 after an interrupt the jobs that are left are run into the ground before the overlay
// is dropped.

import { readFileSync } from 'node:fs'
import { HbError, isHbError } from '../../std/errors.ts'
import { readOverlayScript, type Listed } from '../overlay/overlay.ts'
import { SandboxSpent } from '../port.ts'
import type {
  CheckMessages,
  Evaluation,
  EvaluationLimits,
  Instance,
  ModuleSource,
  Runtime,
} from '../port.ts'
import { stateText } from '../state-text.ts'
import { FUEL_MAX, loadEngine, MachineFault, type Engine } from './engine.ts'
import { makeImage, type Image, type Scripts } from './image.ts'
import { readOutput } from './output.ts'
import { Sandbox } from './sandbox.ts'
import { DRIVER } from './script-context.ts'
import { ScriptError } from './script-error.ts'

/** Part of the engine's version, so of every result: what one sandbox may take. */
export const MEMORY_BYTES_MAX = 2_147_418_112
/**
 * A warm sandbox stops at this share of memory and fuel, so far below that whatever a fresh one
 * cannot do no warm one can, whatever its history did to its heap.
 */
const WARM_SHARE = 4
const ERROR_TEXT_MAX = 512
/** Gas for a module's scope when it is opened. */
const PROBE_GAS = 10_000_000
/** Units of output per unit of gas, as a shift. */
const OUTPUT_SHIFT = 4
const FUEL_BASE = 50_000_000
const FUEL_PER_GAS = 40

/**
 * `engine` saves compiling where threads share it; `memoryBytesMax` is for tests alone: it changes
 * results.
 */
export type QuickjsOptions = { readonly engine?: Engine; readonly memoryBytesMax?: number }

/** What a sandbox is made of, and the ways a module's source is put into a function. */
export type Dialect = {
  readonly scripts: Scripts
  readonly wrap: (source: string) => [string, string, string]
}

export function quickjsScripts(listed?: Listed): Scripts {
  return {
    overlay: readOverlayScript(listed),
    realm: readScript('realm.js'),
    driver: readScript('driver.js'),
  }
}

export function createQuickjsRuntime(options: QuickjsOptions = {}): Runtime {
  return createSandboxRuntime({ scripts: quickjsScripts(), wrap: wrappings }, options)
}

/** A realm is made once (some 50 ms), and copied for every instance. */
export function createSandboxRuntime(dialect: Dialect, options: QuickjsOptions): Runtime {
  const { engine = loadEngine(), memoryBytesMax = MEMORY_BYTES_MAX } = options
  const image = makeImage(engine, dialect.scripts)
  const known = new Set<string>()
  const pagesMax = Math.floor(memoryBytesMax / 65_536)
  const factory: Factory = { image, known, pagesMax, wrap: dialect.wrap }
  return {
    open: (module, snapshot, limits, changes = []) =>
      new QuickjsInstance(factory, module, snapshot, limits, changes),
    close: () => undefined,
  }
}

/** What all instances of a runtime share; `known`: hashes of modules that were found valid. */
type Factory = {
  readonly image: Image
  readonly known: Set<string>
  readonly pagesMax: number
  readonly wrap: Dialect['wrap']
}

function readScript(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8')
}

/**
 * The ways a source is put into a function. It must parse in all three: a text that closes the
 * one's brace and opens another cannot fit the other two (a comma fits between properties but not
 * between class members, anything else fits no list of properties, and `}` fits no parentheses).
 */
function wrappings(source: string): [string, string, string] {
  return [
    `(function (module, exports) { "use strict"; ${source}\n})`,
    `({ m(module, exports) { "use strict"; ${source}\n} })`,
    `(class { static m(module, exports) { ${source}\n} })`,
  ]
}

/**
 * Throws 'module-invalid'. In a sandbox of its own, so that an instance is the same whether this
 * was needed or not.
 */
function validate(factory: Factory, module: ModuleSource, limits: EvaluationLimits): void {
  const { gas, context } = new Sandbox(factory.image, factory.pagesMax)
  try {
    if (module.source.includes('\0')) throw new ScriptError('a NUL character')
    const [wrapped, ...others] = factory.wrap(module.source)
    for (const other of others) context.parse(other)
    context.make(wrapped)
    context.fuel = fuelOf(limits)
    gas.meter(Math.min(PROBE_GAS, limits.gasMax))
    const why = context.call(DRIVER.probe)
    if (gas.exhausted) throw new ScriptError('its scope takes too much gas')
    if (why !== '') throw new ScriptError(why ?? 'its scope was interrupted')
  } catch (error) {
    if (error instanceof ScriptError) throw new HbError('module-invalid', error.detail)
    if (error instanceof MachineFault && error.reason !== 'abort') {
      throw new HbError('module-invalid', `its scope takes too much ${error.reason}`)
    }
    throw error
  }
}

/**
 * Steps of the machine that a message may take at most: ordinary code takes some ten per unit of
 * gas.
 */
function fuelOf(limits: EvaluationLimits): number {
  return Math.min(FUEL_MAX, FUEL_BASE + FUEL_PER_GAS * limits.gasMax)
}

class QuickjsInstance implements Instance {
  readonly #sandbox: Sandbox
  readonly #limits: EvaluationLimits
  readonly #warmBytesMax: number
  #fresh = true
  #closed = false

  constructor(
    factory: Factory,
    module: ModuleSource,
    snapshot: string,
    limits: EvaluationLimits,
    changes: readonly string[],
  ) {
    this.#limits = limits
    const state = stateText(snapshot, changes, limits)
    if (!factory.known.has(module.hash)) {
      validate(factory, module, limits)
      factory.known.add(module.hash)
    }
    this.#warmBytesMax = (factory.pagesMax * 65_536) / WARM_SHARE
    this.#sandbox = new Sandbox(factory.image, factory.pagesMax)
    this.#sandbox.context.make(factory.wrap(module.source)[0])
    this.#sandbox.context.call(DRIVER.load, [
      state.text,
      String(state.size),
      String(limits.stateDepthMax),
      String(limits.stateBytesMax),
      String(ERROR_TEXT_MAX),
    ])
    this.#sandbox.scatter()
  }

  evaluate(actionJson: string, check?: CheckMessages): Evaluation {
    return this.#run(DRIVER.begin, actionJson, check)
  }

  migrate(actionJson: string, check?: CheckMessages): Evaluation {
    return this.#run(DRIVER.migrate, actionJson, check)
  }

  #run(begin: number, actionJson: string, check: CheckMessages | undefined): Evaluation {
    if (this.#closed || this.#sandbox.context.dead) throw new SandboxSpent('the instance is closed')
    const fresh = this.#fresh
    this.#fresh = false
    const fuel = fuelOf(this.#limits)
    this.#sandbox.context.fuel = fresh ? fuel : Math.floor(fuel / WARM_SHARE)
    if (!fresh) this.#sandbox.boundMemory(this.#warmBytesMax)
    try {
      return this.#evaluate(begin, actionJson, check)
    } catch (error) {
      this.#sandbox.context.dead = true
      if (!(error instanceof MachineFault) || error.reason === 'abort') {
        throw new HbError('evaluation-fault', String(error), { cause: error })
      }
      if (!fresh) throw new SandboxSpent(error.message)
      const gas = this.#limits.gasMax
      return error.reason === 'memory'
        ? { status: 'error', gas, code: 'memory-exhausted', text: 'out of memory' }
        : { status: 'error', gas, code: 'gas-exhausted', text: 'out of gas' }
    }
  }

  #evaluate(begin: number, actionJson: string, check: CheckMessages | undefined): Evaluation {
    const sandbox = this.#sandbox
    const { context, gas: meter } = sandbox
    const { gasMax, pendingPromisesMax } = this.#limits
    sandbox.action = actionJson
    meter.meter(gasMax)
    const begun = context.run(begin, actionJson)
    if (begun !== 0) context.release(begun)
    const ran = context.runJobs(pendingPromisesMax)
    const output = ran < 0 || meter.exhausted ? undefined : readOutput(sandbox, this.#limits)
    // A job that end() woke (a getter may) belongs to this message and must not meet the next one.
    const late = output === undefined ? -1 : context.runJobs(pendingPromisesMax)
    const spent = gasMax - Math.max(0, meter.left())
    if (output === undefined || late < 0 || meter.exhausted) return this.#stopped(spent)
    // What comes out is charged here, by its length.
    const gas = spent + (output.units >> OUTPUT_SHIFT)
    if (gas >= gasMax) return this.#stopped(gas)
    meter.unmeter()
    // The message is judged: installing or dropping it must not stop half-way.
    context.fuel = FUEL_MAX
    if ('code' in output) return this.#dropped(gas, output.code, output.text)
    const { changes, stateBytes } = output
    let { messages } = output
    try {
      if (check !== undefined) messages = check(messages)
    } catch (error) {
      if (!isHbError(error)) {
        this.#dropped(gas, '', '')
        throw error
      }
      return this.#dropped(gas, error.code, error.detail.slice(0, ERROR_TEXT_MAX))
    }
    const installed = context.run(DRIVER.install, stateBytes)
    if (installed === 0) throw new MachineFault('abort', 'changes were not installed')
    context.release(installed)
    return { status: 'ok', gas, changes, messages, stateBytes }
  }

  #dropped(gas: number, code: string, text: string): Evaluation {
    this.#sandbox.context.call(DRIVER.undo)
    return { status: 'error', gas, code, text }
  }

  /**
   * Out of gas, or too many promise jobs: everything that is left of the message is interrupted
   * where it starts.
   */
  #stopped(gas: number): Evaluation {
    const { context, gas: meter } = this.#sandbox
    const exhausted = meter.exhausted || gas >= this.#limits.gasMax
    context.fuel = FUEL_MAX
    meter.meter(1)
    if (context.runJobs(1_000_000) < 0) context.dead = true
    meter.unmeter()
    if (!context.dead) context.call(DRIVER.undo)
    return exhausted
      ? { status: 'error', gas: this.#limits.gasMax, code: 'gas-exhausted', text: 'out of gas' }
      : {
          status: 'error',
          gas,
          code: 'promises-too-many',
          text: `more than ${this.#limits.pendingPromisesMax} promise jobs`,
        }
  }

  snapshot(): string {
    if (this.#closed || this.#sandbox.context.dead) throw new SandboxSpent('the instance is closed')
    this.#sandbox.context.fuel = FUEL_MAX
    try {
      return this.#sandbox.context.call(DRIVER.snapshot) as string
    } catch (error) {
      throw new SandboxSpent(String(error))
    }
  }

  memoryBytes(): number {
    return this.#sandbox.memoryBytes()
  }

  close(): void {
    this.#closed = true
  }
}
