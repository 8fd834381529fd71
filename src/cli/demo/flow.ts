// The example flow, step by step: what the wallets send, and what each step caused.

import type { Client, MessageSpec } from '../../client/index.ts'
import type { Wallet } from '../../client/index.ts'
import type { Clock } from '../../std/clock.ts'
import type { Hop, TraceNode } from './trace.ts'
import { failures, findNode, hopsOf, trace } from './trace.ts'

export type Step = {
  readonly n: number
  readonly name: string
  readonly by: string
  readonly message: string
  readonly process: string
  readonly height: number
  readonly slot: number
  readonly status: 'ok' | 'error'
  /** From sending to the last result of all that it caused. */
  readonly ms: number
  readonly hops: readonly Hop[]
}

export type FlowOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly wallets: { readonly DMac: Wallet; readonly Sam: Wallet }
  /** Process ids by their names in genesis. */
  readonly ids: Readonly<Record<'hyperCoin' | 'hb' | 'u' | 'asset' | 'ucm', string>>
  readonly unbondingMs: number
  readonly onStep: (step: Step) => void
}

type Who = 'DMac' | 'Sam'

export async function runFlow(options: FlowOptions): Promise<Step[]> {
  const flow = new Flow(options)
  const { hyperCoin, hb, u, asset, ucm } = options.ids
  const transfer = (target: string, to: string, quantity: string, more = {}): MessageSpec => ({
    target,
    action: 'Transfer',
    tags: { Recipient: to, Quantity: quantity, ...more },
  })
  const order = (tags: Record<string, string>): MessageSpec => ({
    target: ucm,
    action: 'Create-Order',
    tags: { Base: asset, Quote: u, ...tags },
  })
  const stake = transfer(hyperCoin, hb, '100', { 'X-Action': 'Stake' })
  await flow.step('stake', 'DMac', [stake])
  await flow.step('transfer ASSET', 'DMac', [transfer(asset, ucm, '10')])
  await flow.step('limit order', 'DMac', [
    order({ Type: 'limit', Side: 'sell', Quantity: '10', Price: '3' }),
  ])
  await flow.step('stake', 'Sam', [stake])
  await flow.step('transfer U', 'Sam', [transfer(u, ucm, '30')])
  await flow.match('market order', 'Sam', order({ Type: 'market', Side: 'buy', Quantity: '30' }))
  await flow.step('unstake, withdraw', 'Sam', [
    { target: hb, action: 'Unstake', tags: { Quantity: '100' } },
    { target: hb, action: 'Withdraw' },
  ])
  return flow.steps
}

class Flow {
  readonly steps: Step[] = []
  readonly #o: FlowOptions
  readonly #names: ReadonlyMap<string, string>

  constructor(options: FlowOptions) {
    this.#o = options
    const { ids, wallets } = options
    this.#names = new Map([
      [ids.hyperCoin, 'HyperCoin'],
      [ids.hb, 'HB'],
      [ids.u, 'U'],
      [ids.asset, 'ASSET'],
      [ids.ucm, 'UCM'],
      [wallets.DMac.address, 'DMac'],
      [wallets.Sam.address, 'Sam'],
    ])
  }

  /** Several messages are one step: between them, what is unbonding becomes due. */
  async step(name: string, by: Who, specs: readonly MessageSpec[]): Promise<void> {
    const { clock, unbondingMs } = this.#o
    const begun = clock.now()
    const traces: TraceNode[] = []
    for (const [index, spec] of specs.entries()) {
      if (index > 0) await clock.sleep(unbondingMs + 1)
      traces.push(await this.#send(by, spec))
    }
    const hops = traces.flatMap((root) => hopsOf(root, this.#name))
    this.#add(name, by, traces.at(-1) as TraceNode, begun, hops, failed(traces))
  }

  /**
   * One message whose consequence is a step of its own: the market matches, and sends both
   * transfers.
   */
  async match(name: string, by: Who, spec: MessageSpec): Promise<void> {
    const begun = this.#o.clock.now()
    const root = await this.#send(by, spec)
    const matched = findNode(
      root,
      ({ result, caused }) =>
        result.process === this.#o.ids.ucm && caused.some(({ action }) => action === 'Transfer'),
    )
    const before = hopsOf(root, this.#name, matched)
    this.#add(name, by, root, begun, before, failed([root]))
    if (matched === undefined) throw new Error('the UCM did not match the orders')
    this.#add(
      'match, both transfers',
      'UCM',
      matched,
      begun,
      hopsOf(matched, this.#name),
      failed([matched]),
    )
  }

  readonly #name = (id: string): string => this.#names.get(id) ?? id

  async #send(by: Who, spec: MessageSpec): Promise<TraceNode> {
    const { client, wallets } = this.#o
    const { id } = await client.send(wallets[by], spec)
    return trace((each) => client.wait(each), id)
  }

  #add(
    name: string,
    by: string,
    { result }: TraceNode,
    begun: number,
    hops: readonly Hop[],
    error: boolean,
  ): void {
    const step: Step = {
      n: this.steps.length + 1,
      name,
      by,
      message: result.messageId,
      process: result.process,
      height: result.height,
      slot: result.slot,
      status: error ? 'error' : 'ok',
      ms: this.#o.clock.now() - begun,
      hops,
    }
    this.steps.push(step)
    this.#o.onStep(step)
  }
}

function failed(traces: readonly TraceNode[]): boolean {
  return traces.some((root) => failures(root).length > 0)
}
