// What the tests of SmartWeave contracts share: one runtime, an open contract, an interaction.
import { createSmartweaveRuntime } from '../../../src/runtime/smartweave/runtime.ts'
import { sha256 } from '../../../src/std/bytes.ts'
import type { Evaluation, EvaluationLimits, Runtime } from '../../../src/runtime/port.ts'
import { actionText, LIMITS } from '../fixture.ts'

export const CALLER = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ'

export type OpenContract = {
  /** An interaction with this input; `fields` of the action beside it. */
  send(input: unknown, fields?: Record<string, unknown>): Evaluation
  /** What a view's result event says. */
  ask(input: unknown, fields?: Record<string, unknown>): unknown
  state(): unknown
}

export type OpenContracts = {
  open(source: string, state?: unknown, limits?: Partial<EvaluationLimits>): OpenContract
  readonly runtime: Runtime
}

/** What an interaction that was fine sent; throws where it was not. */
export function messagesOf(evaluation: Evaluation): readonly unknown[] {
  if (evaluation.status !== 'ok') throw new Error(`${evaluation.code}: ${evaluation.text}`)
  return evaluation.messages
}

export function openContracts(): OpenContracts {
  const runtime = createSmartweaveRuntime()
  return {
    runtime,
    open(source, state = {}, limits = {}) {
      const hash = sha256(Buffer.from(source)).toString('base64url')
      const module = { engine: 'smartweave', hash, source } as const
      const instance = runtime.open(module, JSON.stringify(state), { ...LIMITS, ...limits })
      const send = (input: unknown, fields: Record<string, unknown> = {}): Evaluation =>
        instance.evaluate(actionText({ input, ...fields }))
      return {
        send,
        ask(input, fields) {
          const [event] = messagesOf(send(input, fields)) as { data: unknown }[]
          return event?.data
        },
        state: () => JSON.parse(instance.snapshot()) as unknown,
      }
    },
  }
}
