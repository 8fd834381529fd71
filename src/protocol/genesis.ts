// Genesis: what a network is. A JSON document, content-addressed: the hash of its canonical form is
// the network id.
//
// It fixes the partition count, the interval length, the protocol's limits, the sandbox and its
// version, and the processes that exist before any wallet has sent a message, with their modules
// and first states. Their ids do not depend on the network id, so that their states may name one
// another.

import { toBase64Url } from '../std/bytes.ts'
import { hashParts } from '../std/hash-parts.ts'
import type { EngineName } from './engines.ts'
import type { GenesisFeatures } from './features.ts'
import { featuresName, featuresProcess } from './features.ts'
import { checkGenesis, malformed } from './genesis-form.ts'
import type { ProtocolLimits } from './limits.ts'
import { defaultLimits } from './limits.ts'
import type { Message } from './message.ts'
import { partitionOf } from './topics.ts'

export { PARTITIONS_MAX } from './genesis-form.ts'

export type { EngineName } from './engines.ts'

export type GenesisProcess = {
  readonly name: string
  /** Ground until the id falls into the wanted partition. */
  readonly nonce: number
  readonly engine: EngineName
  /** Script text, or the name of a native module. */
  readonly source: string
  readonly state: Readonly<Record<string, unknown>>
}

export type Genesis = {
  readonly format: 1
  /** For people. */
  readonly name: string
  /** Makes networks of the same parameters different. */
  readonly salt: string
  /**
   * Grows when acknowledged entries were lost and the network goes on all the same (R2); every
   * signature carries it.
   */
  readonly generation: number
  /** The starts of all generations behind the first; the network's id does not depend on them. */
  readonly generations?: readonly GenerationStart[]
  readonly partitions: number
  /** Heights per interval (R8). */
  readonly intervalLength: number
  /** Of the feature level that it begins with. */
  readonly sandbox: { readonly engine: string; readonly version: string }
  readonly limits: ProtocolLimits
  /** Without it the first level holds for ever. */
  readonly features?: GenesisFeatures
  readonly processes: readonly GenesisProcess[]
}

/** Where a later generation begins, by partition: what was behind it is lost (generations.ts). */
export type GenerationStart = {
  /** When it was decided: ms. Two that begin at the same heights are different. */
  readonly begun: number
  /** The last height that is kept; -1: none. */
  readonly heights: readonly number[]
  /** Hash of the entry there, base64url; of the partition's genesis for -1. */
  readonly hashes: readonly string[]
}

/** A genesis with what is derived from it. */
export type Network = {
  readonly genesis: Genesis
  readonly id: string
  /** By name. */
  readonly processIds: ReadonlyMap<string, string>
  /** Genesis processes of each partition in the order in which their spawns open its log. */
  readonly spawns: readonly (readonly GenesisProcess[])[]
  /** JSON of {name: id} of the first SYSTEM_NAMES_MAX genesis processes: what a spawn is told. */
  readonly systemText: string
  /** Ids of the processes that keep the feature levels, by partition; none without features. */
  readonly featureIds: readonly string[]
}

/** Genesis processes that a spawn is told of; those beyond must be named in its state. */
export const SYSTEM_NAMES_MAX = 64

/** id = base64url H("hb.genesis-process.1", salt, name, nonce). */
export function genesisProcessId(salt: string, name: string, nonce: number): string {
  return toBase64Url(hashParts('hb.genesis-process.1', [salt, name, nonce]))
}

/** The least nonce whose id falls into the partition. */
export function grindNonce(
  salt: string,
  name: string,
  partition: number,
  partitions: number,
): number {
  for (let nonce = 0; ; nonce++) {
    if (partitionOf(genesisProcessId(salt, name, nonce), partitions) === partition) return nonce
  }
}

/** JSON with the keys of every object sorted by UTF-16 code unit: one text for one value. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value as Record<string, unknown>
  const parts = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`)
  return `{${parts.join(',')}}`
}

/**
 * network id = base64url H("hb.network.1", canonical JSON of genesis without its processes' states,
 *              JSON of the states in order). The order of keys in a state is part of the state
 *                (R6), so it counts. It is that of the first generation in all later ones.
 */
export function networkId(genesis: Genesis): string {
  const { processes, generations = [], ...others } = genesis
  const rest = { ...others, generation: others.generation - generations.length }
  const heads = processes.map(({ name, nonce, engine, source }) => ({
    name,
    nonce,
    engine,
    source,
  }))
  const states = JSON.stringify(processes.map((process) => process.state))
  const text = canonicalJson({ ...rest, processes: heads })
  return toBase64Url(hashParts('hb.network.1', [text, states]))
}

/** Checks a genesis (any parsed JSON) and derives the network. Throws `genesis-malformed`. */
export function openNetwork(genesis: Genesis): Network {
  checkGenesis(genesis)
  const processIds = new Map<string, string>()
  const spawns: GenesisProcess[][] = Array.from({ length: genesis.partitions }, () => [])
  const featureIds = openFeatures(genesis, spawns, processIds)
  for (const process of genesis.processes) {
    if (processIds.has(process.name)) malformed(`two processes are named ${process.name}`)
    const id = genesisProcessId(genesis.salt, process.name, process.nonce)
    processIds.set(process.name, id)
    const partition = partitionOf(id, genesis.partitions)
    if (process.engine === 'native' && partition !== 0) {
      malformed(`system process ${process.name} is not in partition 0`)
    }
    ;(spawns[partition] as GenesisProcess[]).push(process)
  }
  const named = genesis.processes.slice(0, SYSTEM_NAMES_MAX)
  const system = named.map(({ name }) => [name, processIds.get(name)])
  const systemText = JSON.stringify(Object.fromEntries(system))
  return { genesis, id: networkId(genesis), processIds, spawns, systemText, featureIds }
}

/** What keeps a partition's feature level is spawned in it before all else. */
function openFeatures(
  { features, intervalLength, salt, partitions }: Genesis,
  spawns: readonly GenesisProcess[][],
  processIds: Map<string, string>,
): string[] {
  if (features === undefined) return []
  if (features.nonces.length !== partitions) malformed('features.nonces: not one per partition')
  return features.nonces.map((nonce, partition) => {
    const process = featuresProcess(features, intervalLength, partition, nonce)
    const id = genesisProcessId(salt, process.name, nonce)
    if (partitionOf(id, partitions) !== partition) {
      malformed(`features.nonces.${partition} is of another partition`)
    }
    processIds.set(process.name, id)
    spawns[partition]?.push(process)
    return id
  })
}

/** A genesis process by its name. */
export function genesisProcess(network: Network, name: string): GenesisProcess | undefined {
  const id = network.processIds.get(name)
  if (id === undefined) return undefined
  const partition = partitionOf(id, network.genesis.partitions)
  return network.spawns[partition]?.find((process) => process.name === name)
}

/**
 * The spawn message of a genesis process. digest = H("hb.genesis-spawn.1", network, name): genesis
 * holds all the rest.
 */
export function genesisSpawn(network: Network, process: GenesisProcess): Message {
  const id = genesisProcessId(network.genesis.salt, process.name, process.nonce)
  const { state, source, engine } = process
  return {
    id,
    caller: network.id,
    from: 'genesis',
    process: id,
    kind: 'spawn',
    target: '',
    tags: [
      { name: 'Name', value: process.name },
      { name: 'Content-Type', value: 'application/json' },
    ],
    data: Buffer.from(JSON.stringify({ engine, source, state })),
    hops: 0,
    count: 0,
    budget: '0',
    digest: hashParts('hb.genesis-spawn.1', [network.id, process.name]),
  }
}

export type GenesisOptions = {
  readonly name: string
  readonly salt: string
  readonly partitions: number
  readonly intervalLength?: number
  readonly limits?: Partial<ProtocolLimits>
  readonly sandbox: Genesis['sandbox']
  /** Who may raise the feature level; without them it stays what it is. */
  readonly features?: Omit<GenesisFeatures, 'nonces'>
  readonly processes?: readonly (Omit<GenesisProcess, 'nonce'> & { nonce?: number })[]
}

/** A genesis with defaults filled in and the nonces of system processes ground into partition 0. */
export function makeGenesis(options: GenesisOptions): Genesis {
  const { name, salt, partitions, sandbox, features } = options
  return {
    format: 1,
    name,
    salt,
    generation: 0,
    partitions,
    intervalLength: options.intervalLength ?? 10_000,
    sandbox,
    limits: { ...defaultLimits(), ...options.limits },
    ...(features !== undefined && {
      features: { ...features, nonces: featureNonces(salt, partitions) },
    }),
    processes: (options.processes ?? []).map((process) => ({
      name: process.name,
      nonce: process.nonce ?? nonceFor(process, salt, partitions),
      engine: process.engine,
      source: process.source,
      state: process.state,
    })),
  }
}

function nonceFor(
  process: { readonly name: string; readonly engine: EngineName },
  salt: string,
  partitions: number,
): number {
  return process.engine === 'native' ? grindNonce(salt, process.name, 0, partitions) : 0
}

function featureNonces(salt: string, partitions: number): number[] {
  return Array.from({ length: partitions }, (_, partition) =>
    grindNonce(salt, featuresName(partition), partition, partitions),
  )
}
