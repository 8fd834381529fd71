// A node of one OS process without log, roles or sandbox, for tests of what stands in front of it.
// The door is real: items are parsed, checked and verified as a node does; what lies behind is a
// list.

import { createDataItemVerifier } from '../../../src/protocol/ans104/index.ts'
import { makeGenesis, openNetwork, type Network } from '../../../src/protocol/genesis.ts'
import type { Message } from '../../../src/protocol/message.ts'
import { tagValue } from '../../../src/protocol/message.ts'
import { signedMessage } from '../../../src/protocol/signed.ts'
import { partitionOf } from '../../../src/protocol/topics.ts'
import { sha256, toBase64Url } from '../../../src/std/bytes.ts'
import { HbError, isHbError } from '../../../src/std/errors.ts'
import type { DryRunSpec } from '../../../src/protocol/dry-run.ts'
import { dryRunMessage } from '../../../src/protocol/dry-run.ts'
import type {
  DryRunView,
  EntryView,
  MessageStatus,
  NodeApi,
  NodeHealth,
  Part,
  Readiness,
  ProcessView,
  ResultView,
  StateView,
  Submitted,
} from '../../../src/node/api.ts'

import type { Metric } from '../../../src/node/metrics/metric.ts'
import { SANDBOX } from '../../../src/runtime/index.ts'

const PARTITIONS = 2

export function testNetwork(name = 'test'): Network {
  return openNetwork(
    makeGenesis({
      name,
      salt: name,
      partitions: PARTITIONS,
      sandbox: SANDBOX,
      processes: [{ name: 'echo', engine: 'quickjs', source: 'none', state: {} }],
    }),
  )
}

export class FakeNode implements NodeApi {
  readonly network: Network
  /** Items that may lie in ingress; more answer `queue-full`. */
  room = Infinity
  /** Whether what was submitted is sequenced and evaluated at once, or when `turn` is called. */
  automatic = true
  ready = true
  /** How often `tail` was asked for the next entry. */
  pulled = 0
  readonly accepted: Message[] = []
  readonly entries: EntryView[][] = Array.from({ length: PARTITIONS }, () => [])
  readonly results_: ResultView[] = []
  readonly statuses = new Map<string, MessageStatus>()
  readonly states = new Map<string, string>()
  readonly #waiting = new Set<() => void>()
  readonly #pending: Message[] = []
  readonly #verifier = createDataItemVerifier({ ownersMax: 4 })

  constructor(network = testNetwork()) {
    this.network = network
    for (const id of network.processIds.values()) this.states.set(id, '{"b":1,"a":"é\u202e"}')
  }

  get waiting(): number {
    return this.#waiting.size
  }

  async submit(items: readonly Uint8Array[]): Promise<Submitted[]> {
    if (this.#pending.length + items.length > this.room) throw new HbError('queue-full')
    await Promise.resolve()
    return items.map((item) => {
      try {
        const message = signedMessage(this.network, item)
        const verdict = this.#verifier.bytes(item)
        if (!verdict.ok) throw new HbError('signature-invalid')
        if (!this.statuses.has(message.id)) this.#take(message)
        const partition = partitionOf(message.process, PARTITIONS)
        return { id: message.id, process: message.process, partition }
      } catch (error) {
        if (!isHbError(error)) throw error
        return { error }
      }
    })
  }

  #take(message: Message): void {
    this.accepted.push(message)
    this.#pending.push(message)
    this.statuses.set(message.id, { id: message.id, stage: 'pending' })
    if (this.automatic) this.turn()
  }

  /** Orders and evaluates what is pending. The tag Fail makes an error result. */
  turn(): void {
    for (const message of this.#pending.splice(0)) {
      const entry = this.append(partitionOf(message.process, PARTITIONS), message)
      const { partition, height, hash, timestamp } = entry
      const receipt = { partition, height, hash, timestamp }
      const result = this.#resultOf(message, entry)
      this.results_.push(result)
      this.statuses.set(message.id, { id: message.id, stage: 'evaluated', receipt, result })
      if (message.kind === 'spawn') this.states.set(message.process, '{"spawned":true}')
    }
    this.wake()
  }

  refuse(id: string): void {
    this.statuses.set(id, { id, stage: 'refused', refusal: { code: 'expired', text: 'too late' } })
    this.wake()
  }

  wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  append(partition: number, message: Partial<Message> = {}, data = ''): EntryView {
    const entries = this.entries[partition] as EntryView[]
    const height = entries.length
    const entry: EntryView = {
      partition,
      height,
      hash: toBase64Url(sha256(Buffer.from(`${partition}/${height}`))),
      prev: '',
      timestamp: 1_700_000_000_000 + height,
      process: message.process ?? '',
      messageId: message.id ?? '',
      kind: message.kind ?? 'message',
      caller: message.caller ?? '',
      from: 'wallet',
      target: message.target ?? '',
      tags: message.tags ?? [],
      data: message.data === undefined ? data : Buffer.from(message.data).toString(),
      dataEncoding: 'utf8',
    }
    entries.push(entry)
    this.wake()
    return entry
  }

  #resultOf(message: Message, { partition, height }: EntryView): ResultView {
    const failed = tagValue(message.tags, 'Fail')
    const slot = this.results_.filter((one) => one.process === message.process).length
    const sent = {
      id: toBase64Url(sha256(Buffer.from(message.id))),
      kind: 'notice' as const,
      target: message.caller,
      tags: [],
      data: 'sent',
      dataEncoding: 'utf8' as const,
      hops: 1,
      count: 1,
      budget: '0',
      seq: height + 1,
    }
    return {
      partition,
      height,
      messageId: message.id,
      process: message.process,
      slot,
      status: failed === undefined ? 'ok' : 'error',
      code: failed === undefined ? '' : 'contract-error',
      text: failed ?? '',
      gas: 1,
      stateHash: toBase64Url(sha256(Buffer.from(String(slot)))),
      messages: failed === undefined ? [sent] : [],
    }
  }

  async waitFor(
    id: string,
    stage: 'sequenced' | 'result',
    timeoutMs: number,
  ): Promise<MessageStatus> {
    const there = (): boolean => {
      const now = this.statuses.get(id)?.stage
      return (
        now === 'refused' || now === 'evaluated' || (now === 'sequenced' && stage === 'sequenced')
      )
    }
    const end = Date.now() + timeoutMs
    while (!there() && Date.now() < end) await this.#change(end - Date.now())
    return this.statuses.get(id) ?? { id, stage: 'pending' }
  }

  #change(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, timeoutMs)
      this.#waiting.add(wake)
      signal?.addEventListener('abort', wake)
    })
  }

  async message(id: string): Promise<MessageStatus | undefined> {
    return this.statuses.get(id)
  }

  async processes({ after = '', limit = 100 }: { after?: string; limit?: number } = {}): Promise<
    ProcessView[]
  > {
    const ids = [...this.states.keys()].sort().filter((id) => id > after)
    return Promise.all(
      ids.slice(0, limit).map(async (id) => (await this.process(id)) as ProcessView),
    )
  }

  async part(page: { after?: string; limit?: number } = {}): Promise<Part> {
    return { processes: await this.processes(page), partitions: [...this.entries.keys()] }
  }

  async servedAt(): Promise<string | undefined> {
    return 'here'
  }

  async process(id: string): Promise<ProcessView | undefined> {
    if (!this.states.has(id)) return undefined
    return {
      process: id,
      partition: partitionOf(id, PARTITIONS),
      slot: 0,
      height: 0,
      status: 'live',
      engine: 'quickjs',
      module: '',
      stateHash: '',
    }
  }

  async state(id: string): Promise<StateView | undefined> {
    const text = this.states.get(id)
    return text === undefined ? undefined : { process: id, slot: 3, stateHash: 'hash-of-it', text }
  }

  /** `ok`, or with the tag Fail an error. */
  async dryRun(id: string, spec: DryRunSpec, withState = false): Promise<DryRunView> {
    const state = this.states.get(id)
    if (state === undefined) throw new HbError('process-not-found', id)
    if (this.room === 0) throw new HbError('dry-runs-too-many')
    if (spec.atSlot !== undefined) throw new HbError('state-not-kept', `slot ${spec.atSlot}`)
    const failed = tagValue(dryRunMessage(this.network, id, spec).tags, 'Fail')
    const sent = { target: spec.caller, tags: [], data: 'sent', dataEncoding: 'utf8' as const }
    const message = { kind: 'notice' as const, ...sent, hops: 1, count: 1, budget: '0' }
    return {
      process: id,
      slot: 3,
      stateHash: 'hash-of-it',
      timestamp: spec.timestamp ?? 7,
      status: failed === undefined ? 'ok' : 'error',
      code: failed === undefined ? '' : 'contract-error',
      text: failed ?? '',
      gas: 1,
      messages: failed === undefined ? [message] : [],
      changes: failed === undefined ? '[["b",2]]' : '[]',
      ...(withState && { state }),
    }
  }

  async results(id: string, from: number, limit: number): Promise<ResultView[]> {
    return this.results_.filter((one) => one.process === id && one.slot >= from).slice(0, limit)
  }

  async *tail(
    partition: number,
    fromHeight: number,
    signal: AbortSignal,
  ): AsyncGenerator<EntryView> {
    const entries = this.entries[partition] as EntryView[]
    for (let height = fromHeight; !signal.aborted;) {
      const entry = entries[height]
      if (entry === undefined) {
        await this.#change(60_000, signal)
        continue
      }
      height++
      this.pulled++
      yield entry
    }
  }

  async readiness(): Promise<Readiness> {
    const waiting = this.ready ? [] : [{ role: 'dre', what: 'joining' } as const]
    return { ...this.health(), waiting }
  }

  async metrics(): Promise<Metric[]> {
    return [{ name: 'fake_accepted', type: 'gauge', help: 'x', samples: [{ value: this.accepted.length }] }]
  }

  health(): NodeHealth {
    const partitions = this.entries.map((entries, partition) => {
      const height = entries.length - 1
      const held = { sequencer: 'open', dre: 'open', relayer: 'open' } as const
      return { partition, height, evaluated: height, ...held }
    })
    const roles = ['sequencer', 'dre', 'relayer'] as const
    return { network: this.network.id, log: 'fake', roles, ready: this.ready, partitions }
  }
}
