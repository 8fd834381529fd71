// The `native` runtime: trusted handlers (system processes) in this realm, on the same overlay as
// sandboxed ones, so the same changes, sizes and refusals. Gas is a fixed number per message.
//
// Owners: an instance owns its overlay. Handlers come from the room below that injects them, named
// by the module's source text ('hb-contract@1'); they must keep nothing outside the state and read
// no clock: nothing here stops them.

import { parseJson } from '../../std/json-text.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { NativeHandle } from '../evaluator/port.ts'
import { compileOverlay, readOverlayScript } from '../overlay/overlay.ts'
import type { MakeOverlay, Overlay } from '../overlay/overlay.ts'
import type {
  CheckMessages,
  Evaluation,
  EvaluationLimits,
  Instance,
  ModuleSource,
  Runtime,
} from '../port.ts'
import { stateText } from '../state-text.ts'

/** Gas of every message to a native contract. */
export const NATIVE_GAS = 1_000
const ERROR_TEXT_MAX = 512

export function createNativeRuntime(natives: Readonly<Record<string, NativeHandle>>): Runtime {
  const makeOverlay = compileOverlay(readOverlayScript())
  return {
    open: (module, snapshot, limits, changes = []) => {
      const handle = Object.hasOwn(natives, module.source) ? natives[module.source] : undefined
      if (handle === undefined) {
        throw new HbError('module-invalid', `no native contract is named ${nameOf(module)}`)
      }
      return new NativeInstance(makeOverlay, handle, snapshot, limits, changes)
    },
    close: () => undefined,
  }
}

function nameOf(module: ModuleSource): string {
  return JSON.stringify(module.source.slice(0, 80))
}

type Refusal = { readonly code: string; readonly text: string }

class NativeInstance implements Instance {
  readonly #overlay: Overlay
  readonly #handle: NativeHandle
  readonly #limits: EvaluationLimits

  constructor(
    makeOverlay: MakeOverlay,
    handle: NativeHandle,
    snapshot: string,
    limits: EvaluationLimits,
    changes: readonly string[],
  ) {
    this.#limits = limits
    this.#handle = handle
    this.#overlay = makeOverlay({
      depth: limits.stateDepthMax,
      size: limits.stateBytesMax,
      charge: () => undefined,
    })
    const state = stateText(snapshot, changes, limits)
    this.#overlay.load(state.text, state.size)
  }

  evaluate(actionJson: string, check?: CheckMessages): Evaluation {
    const overlay = this.#overlay
    try {
      const result = this.#handle(overlay.begin(), parseJson(actionJson))
      const settled = this.#settle(result, check)
      if ('code' in settled) return this.#refused(settled)
      overlay.install()
      return settled
    } catch (error) {
      return this.#refused(this.#describe(error))
    }
  }

  /** Their code comes with the build; no message changes it. */
  migrate(): Evaluation {
    return this.#refused({ code: 'upgrade-malformed', text: 'a native contract has no upgrades' })
  }

  #settle(
    result: ReturnType<NativeHandle>,
    check: CheckMessages | undefined,
  ): Evaluation | Refusal {
    const overlay = this.#overlay
    if (result !== undefined && (typeof result !== 'object' || result === null)) {
      return { code: 'result-malformed', text: 'handle must return an object' }
    }
    const { state, messages, status } = result ?? {}
    if (status !== undefined && status !== 'ok') {
      return typeof status === 'string'
        ? { code: 'contract-error', text: status }
        : { code: 'result-malformed', text: 'status must be a text' }
    }
    const edit = overlay.settle(state)
    if (messages !== undefined && !Array.isArray(messages)) {
      return { code: 'result-malformed', text: 'messages must be a list' }
    }
    const outbox = messages === undefined ? '[]' : JSON.stringify(messages)
    const changes = edit === undefined ? '[]' : JSON.stringify(edit)
    const units = changes.length + outbox.length
    if (units > this.#limits.outputBytesMax) {
      const text = `${units} units, at most ${this.#limits.outputBytesMax}`
      return { code: 'output-too-large', text }
    }
    const drafts = parseJson(outbox) as readonly unknown[]
    return {
      status: 'ok',
      gas: NATIVE_GAS,
      changes,
      messages: check === undefined ? drafts : check(drafts),
      stateBytes: overlay.size(),
    }
  }

  #describe(error: unknown): Refusal {
    const code = this.#overlay.codeOf(error)
    if (code !== '') return { code, text: (error as Error).message.slice(code.length + 2) }
    if (isHbError(error)) return { code: error.code, text: error.detail }
    return { code: 'contract-error', text: error instanceof Error ? error.message : String(error) }
  }

  #refused({ code, text }: Refusal): Evaluation {
    this.#overlay.undo()
    return { status: 'error', gas: NATIVE_GAS, code, text: text.slice(0, ERROR_TEXT_MAX) }
  }

  snapshot(): string {
    return this.#overlay.snapshot()
  }

  memoryBytes(): number {
    return 2 * this.#overlay.size()
  }

  close(): void {
    this.#overlay.undo()
  }
}
