// One process of a test network, as a test holds it in hand: what it is sent, what it has, what it
// said.
//
// Invariant: what is read is what nodes published and stored, never a value that the test's own
// side computed.

import type { DryRunView, ProcessView, ResultView } from '../node/index.ts'
import { HbError } from '../std/errors.ts'
import { parseJson } from '../std/json-text.ts'
import type { Sent } from './sending.ts'
import type { DryRunOptions, TestNetwork, MessageOptions, Sender } from './network.ts'
import { sentBy, type SentView } from './watching.ts'

const PAGE = 1_000

export class TestContract<S = Record<string, unknown>> {
  /** Of the process. */
  readonly id: string
  readonly #network: TestNetwork

  constructor(network: TestNetwork, id: string) {
    this.#network = network
    this.id = id
  }

  /** A message to it: its Action, and the rest as options. */
  send(by: Sender, action: string, options: Omit<MessageOptions, 'action'> = {}): Sent {
    return this.#network.send(by, this.id, { ...options, action })
  }

  /** What a message would do to it now: nothing is sent, and nothing changes. */
  dryRun(
    by: Sender,
    action: string,
    options: Omit<DryRunOptions, 'action'> = {},
  ): Promise<DryRunView> {
    return this.#network.dryRun(by, this.id, { ...options, action })
  }

  /** As it was hashed last, parsed. Each call gives an object of its own. */
  async state(): Promise<S> {
    return parseJson(await this.stateText()) as S
  }

  /** The JSON text of the state, exactly as it was hashed. */
  async stateText(): Promise<string> {
    const { id } = this
    const state = await this.#network.find((api) => api.state(id))
    if (state === undefined) throw new HbError('process-not-found', id)
    return state.text
  }

  /** Slot, height, hash, engine, and whether its spawn failed. */
  async view(): Promise<ProcessView> {
    const { id } = this
    const view = await this.#network.find((api) => api.process(id))
    if (view === undefined) throw new HbError('process-not-found', id)
    return view
  }

  /** Results from a slot on; slot 0 is its spawn. */
  async results(from = 0): Promise<ResultView[]> {
    const { id } = this
    const all: ResultView[] = []
    for (;;) {
      const slot = from + all.length
      const page = await this.#network.find(async (api) => {
        const found = await api.results(id, slot, PAGE)
        return found.length === 0 ? undefined : found
      })
      all.push(...(page ?? []))
      if (page === undefined || page.length < PAGE) return all
    }
  }

  /** What it sent to others, from a slot on. */
  async messages(from = 0): Promise<SentView[]> {
    return (await this.#sent(from)).filter(({ kind }) => kind !== 'event')
  }

  /** What it told watchers, from a slot on. */
  async events(from = 0): Promise<SentView[]> {
    return (await this.#sent(from)).filter(({ kind }) => kind === 'event')
  }

  async #sent(from: number): Promise<SentView[]> {
    return sentBy(await this.results(from))
  }
}
