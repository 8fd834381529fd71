// A typed client of a network, at any of its nodes: signs with a wallet, sends, waits for results,
// reads states, follows the log.
//
// Invariants: C1 a message is signed once; whatever is sent again is those bytes (R3 makes it one
// message). C2 every failure is an HbError, with the node's own code where there is one.

import type { DryRunSpec } from '../protocol/dry-run.ts'
import { toBase64Url } from '../std/bytes.ts'
import { systemClock, type Clock } from '../std/clock.ts'
import { HbError, isHbError } from '../std/errors.ts'
import { frameBatch } from './batch.ts'
import { messageFields, spawnFields } from './message-fields.ts'
import type { MessageSpec, NetworkPlace, SpawnSpec } from './message-fields.ts'
import { tailPartition, type TailOptions } from './tail.ts'
import { errorFrom, errorOf, parsed, Transport, type TransportOptions } from './transport.ts'
import type {
  Accepted,
  BatchOutcome,
  DryRunView,
  EntryView,
  HeadView,
  MessageStatus,
  NetworkView,
  NodeHealth,
  Readiness,
  OutboxRow,
  ProcessView,
  ResultView,
  StateView,
} from './views.ts'
import type { Wallet } from './wallet.ts'

export type ClientOptions = Partial<Omit<TransportOptions, 'url'>> & {
  /** Of a node, or of several of the network: the next is tried when one is not there. */
  readonly url: string | readonly string[]
  /**
   * Network id to sign for; a node of another network is refused (`network-mismatch`). Default: the
   * node's.
   */
  readonly network?: string
}

export type Stage = 'sequenced' | 'result'

export type WaitOptions = {
  /** Default 'result'. */
  readonly stage?: Stage
  /** Default 30,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** A page; with `next` there may be more, from there. */
export type Page<Name extends string, Row, Next> = { readonly [K in Name]: readonly Row[] } & {
  readonly next?: Next
}

export type Client = ReturnType<typeof createClient>

const TRANSPORT_DEFAULTS = {
  requestTimeoutMs: 30_000,
  busyRetriesMax: 5,
  // longer than it takes a group to notice that a node died (session.timeout.ms)
  unservedMsMax: 20_000,
  brokenRetriesMax: 2,
  retryDelayMsMax: 30_000,
  responseBytesMax: 256 * 1024 * 1024,
}
const WAIT_MS = 30_000
/** One request waits for so long at most; longer waits are several. */
const WAIT_MS_EACH_MAX = 20_000

export function createClient(options: ClientOptions) {
  const { network: wanted, url, ...given } = options
  const clock: Clock = given.clock ?? systemClock
  const transport = new Transport({
    ...TRANSPORT_DEFAULTS,
    fetch: globalThis.fetch,
    ...given,
    clock,
    url,
  })
  let known: Promise<NetworkView> | undefined

  /** The node's network, asked for once. */
  const network = (): Promise<NetworkView> => {
    known ??= askNetwork(transport, wanted).catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
  const sign = async (wallet: Wallet, spec: MessageSpec): Promise<Buffer> =>
    wallet.sign(messageFields(place(await network()), spec))
  const signSpawn = async (wallet: Wallet, spec: SpawnSpec): Promise<Buffer> =>
    wallet.sign(spawnFields(place(await network()), spec))
  const submit = (item: Uint8Array, signal?: AbortSignal): Promise<Accepted> =>
    transport.json<Accepted>({
      method: 'POST',
      path: '/messages',
      ...octets(item),
      ...maybe(signal),
    })

  return {
    url: transport.base,
    network,
    /** Signed bytes, to send once or many times: they are one message. */
    sign,
    signSpawn,
    /** Sends signed bytes; resolves when they are durable at the node. */
    submit,
    send: async (wallet: Wallet, spec: MessageSpec): Promise<Accepted> =>
      submit(await sign(wallet, spec)),
    /** The id of the new process is `process`. */
    spawn: async (wallet: Wallet, spec: SpawnSpec): Promise<Accepted> =>
      submit(await signSpawn(wallet, spec)),
    /** Sends and waits for the result. */
    call: async (wallet: Wallet, spec: MessageSpec, wait?: WaitOptions): Promise<MessageStatus> => {
      const { id } = await submit(await sign(wallet, spec), wait?.signal)
      return waitFor(transport, clock, id, wait)
    },
    /**
     * Many signed items in one request; outcomes in order. Throws, with none kept, when the node
     * has no room.
     */
    batch: (items: readonly Uint8Array[]): Promise<BatchOutcome[]> => sendBatch(transport, items),
    /** Where the message is once it is at the stage, or at the timeout: look at `stage`. */
    wait: (id: string, wait?: WaitOptions): Promise<MessageStatus> =>
      waitFor(transport, clock, id, wait),
    message: (id: string): Promise<MessageStatus> => transport.json({ path: `/messages/${id}` }),
    ...readers(transport),
    tail: (partition: number, tail?: TailOptions): AsyncGenerator<EntryView, void, undefined> =>
      tailPartition(transport, clock, partition, tail),
  }
}

type SlotRange = { readonly from?: number; readonly limit?: number }

function readers(transport: Transport) {
  return {
    process: (id: string): Promise<ProcessView> => transport.json({ path: `/processes/${id}` }),
    processes: (query: { readonly after?: string; readonly limit?: number } = {}) =>
      transport.json<Page<'processes', ProcessView, string>>({ path: '/processes', query }),
    state: (id: string): Promise<StateView> => readState(transport, id),
    /** What a message would do now, or after `spec.atSlot`; nothing is sent. */
    dryRun: (id: string, spec: DryRunSpec, wanted: { readonly state?: boolean } = {}) =>
      transport.json<DryRunView>({
        method: 'POST',
        path: `/processes/${id}/dry-run`,
        ...(wanted.state === true && { query: { state: 'true' } }),
        body: Buffer.from(JSON.stringify(inJson(spec))),
        headers: { 'content-type': 'application/json' },
      }),
    results: (id: string, query: SlotRange = {}) =>
      transport.json<Page<'results', ResultView, number>>({
        path: `/processes/${id}/results`,
        query,
      }),
    outbox: (id: string, query: SlotRange = {}) =>
      transport.json<Page<'messages', OutboxRow, number>>({
        path: `/processes/${id}/outbox`,
        query,
      }),
    /** How far the stream of a partition goes now: the last height; −1 for none. */
    head: (partition: number): Promise<HeadView> =>
      transport.json({ path: '/log/head', query: { partition } }),
    health: (): Promise<NodeHealth> => transport.json({ path: '/healthz' }),
    /** Its health, and what it is not ready for yet; who is not ready answers all the same. */
    readiness: async (): Promise<Readiness> => {
      const answer = await transport.text({ path: '/readyz', accept: (status) => status === 503 })
      const view = parsed(answer.text) as Readiness
      if (!Array.isArray(view.waiting)) throw errorOf(answer)
      return view
    },
  }
}

/** Bytes have no JSON form of their own. */
function inJson(spec: DryRunSpec): DryRunSpec {
  const { data } = spec
  if (!(data instanceof Uint8Array)) return spec
  return { ...spec, data: toBase64Url(data), dataEncoding: 'base64url' }
}

async function askNetwork(transport: Transport, wanted: string | undefined): Promise<NetworkView> {
  const view = await transport.json<NetworkView>({ path: '/network' })
  if (typeof view.network !== 'string') throw new HbError('response-malformed', 'no network id')
  if (wanted !== undefined && wanted !== view.network) {
    throw new HbError('network-mismatch', `the node is of ${view.network}, wanted ${wanted}`)
  }
  return view
}

async function readState(transport: Transport, id: string): Promise<StateView> {
  const { headers, text } = await transport.text({ path: `/processes/${id}/state` })
  const slot = headers.get('hb-slot')
  const stateHash = headers.get('hb-state-hash')
  if (slot === null || stateHash === null)
    throw new HbError('response-malformed', 'a state without its hash')
  return { process: id, slot: Number(slot), stateHash, text }
}

async function sendBatch(
  transport: Transport,
  items: readonly Uint8Array[],
): Promise<BatchOutcome[]> {
  if (items.length === 0) return []
  const { results } = await transport.json<{ results: (Accepted | { error: unknown })[] }>({
    method: 'POST',
    path: '/messages/batch',
    ...octets(frameBatch(items)),
    // all items were refused, each with its own reason
    accept: (_status, body) => Array.isArray((body as { results?: unknown } | null)?.results),
  })
  if (results.length !== items.length)
    throw new HbError('response-malformed', 'a batch with other outcomes')
  return results.map((one) => ('error' in one ? { error: errorFrom(one.error) } : one))
}

async function waitFor(
  transport: Transport,
  clock: Clock,
  id: string,
  options: WaitOptions = {},
): Promise<MessageStatus> {
  const { stage = 'result', timeoutMs = WAIT_MS, signal } = options
  const end = clock.now() + timeoutMs
  for (;;) {
    const waitMs = Math.max(0, Math.min(end - clock.now(), WAIT_MS_EACH_MAX))
    const status = await transport
      .json<MessageStatus>({
        path: `/messages/${id}`,
        query: { wait: stage, timeout: waitMs },
        waitMs,
        ...maybe(signal),
      })
      .catch((error: unknown) => {
        // a process may send it yet
        if (isHbError(error, 'message-unknown') && clock.now() < end) return undefined
        throw error
      })
    if (status !== undefined && (isAt(status, stage) || clock.now() >= end)) return status
    // a node that is stopping answers at once
    if (waitMs > 0) await clock.sleep(Math.min(50, Math.max(0, end - clock.now())), signal)
  }
}

function isAt({ stage }: MessageStatus, wanted: Stage): boolean {
  return (
    stage === 'refused' ||
    stage === 'evaluated' ||
    (stage === 'sequenced' && wanted === 'sequenced')
  )
}

function place({ network, generation }: NetworkView): NetworkPlace {
  return { network, generation }
}

function octets(body: Uint8Array): { body: Uint8Array; headers: Record<string, string> } {
  return { body, headers: { 'content-type': 'application/octet-stream' } }
}

function maybe(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
