// A good history, made by the project's own code on a memory log, and the means to forge it: the
// entries of a partition are changed and chained anew, and all that follows from the log (results,
// states, receipts) is made to follow from the forged one. So what a plant breaks is what it says.

import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { StoredRecord } from '../../src/log/port.ts'
import { composeNode, startHttp } from '../../src/node/index.ts'
import { resultView } from '../../src/node/views.ts'
import { createClient, generateWallet, messageFields } from '../../src/client/index.ts'
import type { Client, MessageSpec, Wallet } from '../../src/client/index.ts'
import { accept, advance, initialView } from '../../src/protocol/accept.ts'
import { parseDataItem } from '../../src/protocol/ans104/index.ts'
import type { EntryRecord } from '../../src/protocol/codec/records.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { entryOf } from '../../src/protocol/log-reader.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { asBuffer, toBase64Url } from '../../src/std/bytes.ts'
import { seededRandom } from '../../src/std/random.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import type { ChaosNetwork } from './chaos-network.ts'
import { chaosNetwork } from './chaos-network.ts'
import { factsOf } from './checker/facts.ts'
import type { EvaluatedPartition, History, Submission } from './checker/index.ts'
import { evaluateAfresh, readTopics } from './evidence.ts'
import { Load, monotonicNow } from './load.ts'
import { Recorder } from './recorder.ts'
import { untilQuiet } from './quiet.ts'

const PARTITIONS = 3
const SEED = 7
const RECORDS = new Records()

export type Good = { readonly history: History; readonly chaos: ChaosNetwork }

/** Load for a while; then, in order, what the plants need at the ends of partitions. */
export async function goodHistory(): Promise<Good> {
  const wallets = await Promise.all(Array.from({ length: 4 }, () => generateWallet('ed25519')))
  const last = await walletOf(2)
  const addresses = [...wallets, last].map(({ address }) => address)
  const chaos = await chaosNetwork({ partitions: PARTITIONS, pairs: 3, addresses })
  const { network, tokens } = chaos
  const log = createMemoryLog()
  const node = await composeNode({
    genesis: network.genesis,
    log,
    sequencerStore: createMemoryStore(),
    dreStore: createMemoryStore(),
    evaluatorWorkers: 0,
    verifierThreads: 0,
  })
  const http = await startHttp({ api: node.api })
  const client = createClient({ url: http.url, network: network.id })
  const recorder = new Recorder()
  const clients = (): Client[] => [client]
  const random = seededRandom(SEED)
  const load = new Load({ chaos, wallets, random, recorder, clients, messagesPerSecond: 150 })
  load.start()
  while (recorder.acknowledgedCount < 250) await new Promise((done) => setTimeout(done, 20))
  await load.stop()
  await untilQuiet(log, network)
  const send = sender({ chaos, client, recorder, wallet: last })
  const to = (token: number): { Recipient: string; Quantity: string } => {
    return { Recipient: tokens[token] as string, Quantity: '3' }
  }
  // partition 1 ends with two credit notices out of partition 0, which ends with two plain errors
  await send({ target: tokens[0] as string, action: 'Transfer', tags: to(1) })
  await send({ target: tokens[0] as string, action: 'Transfer', tags: to(1) })
  await untilQuiet(log, network)
  await send({ target: tokens[0] as string, action: 'Nonsense' })
  await send({ target: tokens[0] as string, action: 'Nonsense' })
  await untilQuiet(log, network)
  const states = await Promise.all(tokens.map((token) => client.state(token)))
  for (const state of states) recorder.state(state)
  await http.close()
  await node.close()
  const topics = await readTopics(log, network)
  const evaluated = await evaluateAfresh(network, topics.partitions)
  await log.close()
  const texts = states.map(({ process, text }): [string, string] => [process, text])
  const clientsSaw = recorder.history()
  const history = { network, ...topics, clients: clientsSaw, evaluated, tokens: new Map(texts) }
  return { history, chaos }
}

/** Its address is a process id of this partition, so what is sent to it is ordered there. */
async function walletOf(partition: number): Promise<Wallet> {
  for (;;) {
    const wallet = await generateWallet('ed25519')
    if (partitionOf(wallet.address, PARTITIONS) === partition) return wallet
  }
}

type Sender = {
  readonly chaos: ChaosNetwork
  readonly client: Client
  readonly recorder: Recorder
  readonly wallet: Wallet
}

function sender({ chaos, client, recorder, wallet }: Sender) {
  return async (spec: MessageSpec): Promise<void> => {
    const place = { network: chaos.network.id, generation: 0 }
    const item = wallet.sign(messageFields(place, spec))
    const { id } = parseDataItem(item)
    const process = spec.target
    recorder.submitted({ id, process, wallet: wallet.address, item, sentAt: monotonicNow() })
    await client.submit(item)
    recorder.acknowledged(id, monotonicNow())
  }
}

/** Entries of a partition as a plant may change them: height and prev are made anew. */
export type Draft = Pick<EntryRecord, 'timestamp' | 'admission' | 'message'>

/** The history in which the partition's log holds the drafts, and all else follows from it. */
export async function forge(
  history: History,
  partition: number,
  change: (drafts: Draft[]) => Draft[],
): Promise<History> {
  const { network } = history
  const [original] = entryRecords(history, partition)
  const view = initialView(network.id, partition, network.genesis.partitions)
  const log = change(original.map((draft) => ({ ...draft }))).map((draft, offset) => {
    const record = { ...draft, height: view.height + 1, prev: asBuffer(view.hash) }
    const entry = entryOf(network, partition, record)
    if (accept(view, entry) === undefined) advance(view, entry)
    return stored(offset, RECORDS.encodeEntry(record))
  })
  const logs = history.partitions.map((each, at) => (at === partition ? { ...each, log } : each))
  return followingFrom({ ...history, partitions: logs })
}

/** Outbox, states and what clients saw, as the log of this history makes them. */
async function followingFrom(history: History): Promise<History> {
  const { network, clients } = history
  const evaluated = await evaluateAfresh(network, history.partitions)
  const partitions = history.partitions.map((each, partition) => {
    const { results } = evaluated[partition] as EvaluatedPartition
    const value = RECORDS.encodeRun({ partition, from: 0, results, attestation: null })
    return { ...each, outbox: [stored(0, value)] }
  })
  const texts = new Map(evaluated.flatMap(({ states }) => [...states]))
  const tokens = new Map([...history.tokens.keys()].map((id) => [id, texts.get(id) as string]))
  const { places } = factsOf({ ...history, partitions })
  const seen = <T>(ids: readonly T[], id: (of: T) => string, as: (entry: Entry) => T): T[] =>
    ids.flatMap((each) => {
      const [entry] = places.get(id(each)) ?? []
      return entry === undefined ? [] : [as(entry)]
    })
  const receipts = seen(
    clients.receipts,
    ({ id }) => id,
    ({ message, partition, height, hash, timestamp }) => {
      return { id: message.id, partition, height, hash: toBase64Url(hash), timestamp }
    },
  )
  const results = seen(
    clients.results,
    ({ messageId }) => messageId,
    ({ partition, height }) => {
      const result = evaluated[partition]?.results[height]
      if (result === undefined) throw new Error(`no result of ${partition}/${height}`)
      return resultView(network, partition, result)
    },
  )
  const saw = { ...clients, receipts, results, states: [] }
  return { ...history, partitions, evaluated, tokens, clients: saw }
}

/** The accepted entries' records, and the entries. */
export function entryRecords(history: History, partition: number): [EntryRecord[], Entry[]] {
  const facts = factsOf(history).partitions[partition]
  if (facts === undefined) throw new Error(`no partition ${partition}`)
  const { log = [] } = history.partitions[partition] ?? {}
  const values = new Map(log.map(({ offset, value }) => [offset, value]))
  const records = facts.log.flatMap((fact) =>
    fact.type === 'entry'
      ? [RECORDS.decodeEntry(asBuffer(values.get(fact.offset) as Uint8Array))]
      : [],
  )
  return [records, [...facts.entries]]
}

/** The history with records added at the end of a partition's log. */
export function withLogRecords(
  history: History,
  partition: number,
  values: readonly Uint8Array[],
): History {
  const partitions = history.partitions.map((each, at) => {
    if (at !== partition) return each
    const next = (each.log.at(-1)?.offset ?? -1) + 1
    return { ...each, log: [...each.log, ...values.map((value, n) => stored(next + n, value))] }
  })
  return { ...history, partitions }
}

export function withOutboxRecords(
  history: History,
  partition: number,
  values: readonly Uint8Array[],
): History {
  const partitions = history.partitions.map((each, at) => {
    if (at !== partition) return each
    const next = (each.outbox.at(-1)?.offset ?? -1) + 1
    const added = values.map((value, n) => stored(next + n, value))
    return { ...each, outbox: [...each.outbox, ...added] }
  })
  return { ...history, partitions }
}

export function withSubmissions(
  history: History,
  change: (submission: Submission) => Submission,
): History {
  const { clients } = history
  return { ...history, clients: { ...clients, submissions: clients.submissions.map(change) } }
}

export function stored(offset: number, value: Uint8Array): StoredRecord {
  return { key: null, value, offset, timestamp: 1 }
}
