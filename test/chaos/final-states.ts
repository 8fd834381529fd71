// What clients see when all is quiet: the states of the tokens and of a few other processes, and
// what became of messages that were acknowledged long before.

import type { Client, StateView } from '../../src/client/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import { isHbError } from '../../src/std/errors.ts'
import type { ChaosNetwork } from './chaos-network.ts'
import type { Recorder } from './recorder.ts'

export type FinalOptions = {
  readonly chaos: ChaosNetwork
  readonly clients: readonly Client[]
  readonly recorder: Recorder
  /** How many of the acknowledged messages are asked for again, evenly over time. Default 200. */
  readonly asked?: number
}

const TRIES_MAX = 40
const LOOK_AGAIN_MS = 100
const ASKED_AT_ONCE = 8

/** Tokens' state texts by process. Throws where no node serves one of them. */
export async function finalStates(options: FinalOptions): Promise<Map<string, string>> {
  const { chaos, clients, recorder, asked = 200 } = options
  const tokens = new Map<string, string>()
  for (const process of [...chaos.tokens, ...chaos.players]) {
    const state = await stateAnywhere(clients, process)
    recorder.state(state)
    if (chaos.tokens.includes(process)) tokens.set(process, state.text)
  }
  const ids = recorder.acknowledgedIds()
  const every = Math.max(1, Math.floor(ids.length / asked))
  const sample = ids.filter((_, at) => at % every === 0)
  for (let at = 0; at < sample.length; at += ASKED_AT_ONCE) {
    const some = sample.slice(at, at + ASKED_AT_ONCE)
    await Promise.all(some.map((id) => askAll(clients, recorder, id)))
  }
  return tokens
}

async function stateAnywhere(clients: readonly Client[], process: string): Promise<StateView> {
  for (let tries = 1; ; tries++) {
    for (const client of clients) {
      try {
        return await client.state(process)
      } catch (error) {
        if (!isHbError(error)) throw error
        if (tries === TRIES_MAX && client === clients.at(-1)) throw error
      }
    }
    await systemClock.sleep(LOOK_AGAIN_MS)
  }
}

/** Every node, so that each one's picture of the message is seen. */
async function askAll(clients: readonly Client[], recorder: Recorder, id: string): Promise<void> {
  for (const client of clients) {
    try {
      recorder.status(await client.message(id))
    } catch (error) {
      if (!isHbError(error)) throw error
      recorder.failed(error.code)
    }
  }
}
