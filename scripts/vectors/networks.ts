// Vectors of genesis: network ids, ids of genesis processes, and the partition of a process.

import type { Genesis } from '../../src/protocol/genesis.ts'
import {
  genesisProcess,
  genesisProcessId,
  genesisSpawn,
  grindNonce,
  openNetwork,
} from '../../src/protocol/genesis.ts'
import { murmur2, partitionOf } from '../../src/protocol/topics.ts'
import { parseJson } from '../../src/std/json-text.ts'
import { fixedGenesis, idOf, SAFE_MAX } from './fixed.ts'
import type { Named, Subject } from './subject.ts'
import { orCode, subject, toHex } from './subject.ts'

type GenesisInput = { readonly genesis: string }

const written = (genesis: unknown): GenesisInput => ({ genesis: JSON.stringify(genesis) })
const fixed = fixedGenesis()
const features = { level: 1, operators: [idOf('operator'), idOf('another operator')] }
const withFeatures = fixedGenesis({ features })
const [hbContract, echo] = fixed.processes as [object, object]

/** The document with one process's state as this text, key order as written. */
function withState(text: string): GenesisInput {
  const marked = { ...fixed, processes: [{ ...echo, state: { here: true } }] }
  return { genesis: JSON.stringify(marked).replace('{"here":true}', text) }
}

const reversed = Object.fromEntries(Object.entries(fixed).reverse())

const INPUTS: readonly Named<GenesisInput>[] = [
  ['four partitions, two processes', written(fixed)],
  ['its keys in another order: the same network', written(reversed)],
  ['no processes', written({ ...fixed, processes: [] })],
  ['another salt', written(fixedGenesis({ salt: 'other' }))],
  ['another generation', written({ ...fixed, generation: 1 })],
  ['another limit', written({ ...fixed, limits: { ...fixed.limits, hopsMax: 63 } })],
  ['the processes in another order', written({ ...fixed, processes: [echo, hbContract] })],
  ['features: a process of its own in each partition, before all else', written(withFeatures)],
  ['features of another level', written(fixedGenesis({ features: { ...features, level: 7 } }))],
  ['one partition, features', written(fixedGenesis({ partitions: 1, features }))],
  ['a name that is not ASCII', written({ ...fixed, name: 'e\u0301\u{1f600}' })],
  ['the state {"a":1,"b":2}', withState('{"a":1,"b":2}')],
  ['the state {"b":2,"a":1}: another network', withState('{"b":2,"a":1}')],
  ['integer-like keys have no place', withState('{"b":2,"10":1,"9":0}')],
  ['numbers of a state', withState('{"n":[1e21,1E+2,0.10,1e-7]}')],
  ['format 2', written({ ...fixed, format: 2 })],
  ['an unknown field', written({ ...fixed, more: 1 })],
  ['no partitions', written({ ...fixed, partitions: 0 })],
  ['a limit below the least', written({ ...fixed, limits: { ...fixed.limits, hopsMax: 3 } })],
  ['two processes of one name', written({ ...fixed, processes: [echo, echo] })],
  ['a native process outside partition 0', written({
    ...fixed,
    processes: [{ ...hbContract, nonce: grindNonce(fixed.salt, 'hb-contract', 1, 4) }],
  })],
  ['features without operators', written({
    ...withFeatures,
    features: { ...withFeatures.features, operators: [] },
  })],
  ['features with a nonce too few', written({
    ...withFeatures,
    features: { ...withFeatures.features, nonces: withFeatures.features?.nonces.slice(1) },
  })],
  ['not an object', { genesis: '[]' }],
]

const NETWORKS = subject<GenesisInput>({
  subject: 'networks',
  about:
    'A genesis document and the network that it makes. Network id = base64url of ' +
    'H("hb.network.1", head, states): head is the document as JSON text without spaces, the ' +
    'keys of every object sorted by UTF-16 code unit, each process as {engine, name, nonce, ' +
    'source} without its state; states is the JSON text of the list of states, their key ' +
    'order as it is (file states). Process id: file genesis-processes. spawns: per partition ' +
    'the names of its processes in the order in which their spawns open its log (with ' +
    'features a process "features-<partition>" first, engine native, source hb-features@1, ' +
    'state {operators, intervalLength, level, pending: null}). digest of a spawn = ' +
    'H("hb.genesis-spawn.1", network id, name); its caller is the network id. Input: genesis ' +
    '(JSON text). Output: id, processes {name: {id, digest (hex), data (the text of its ' +
    'spawn)}}, spawns; or {error: code}.',
  inputs: INPUTS,
  compute: ({ genesis }) =>
    orCode(() => {
      const network = openNetwork(parseJson(genesis) as Genesis)
      const processes = [...network.processIds].map(([name, id]) => {
        const process = genesisProcess(network, name)
        if (process === undefined) throw new Error(`${name} is in no partition`)
        const { digest, data } = genesisSpawn(network, process)
        return [name, { id, digest: toHex(digest), data: Buffer.from(data).toString() }]
      })
      return {
        id: network.id,
        processes: Object.fromEntries(processes) as unknown,
        spawns: network.spawns.map((list) => list.map(({ name }) => name)),
      }
    }),
})

type ProcessInput = { readonly salt: string; readonly name: string; readonly nonce: number }

const GENESIS_PROCESSES = subject<ProcessInput>({
  subject: 'genesis-processes',
  about:
    'id of a genesis process = base64url of H("hb.genesis-process.1", salt, name, nonce). ' +
    'Input: salt, name, nonce. Output: id.',
  inputs: [
    ['a process', { salt: 'salt', name: 'echo', nonce: 0 }],
    ['another nonce', { salt: 'salt', name: 'echo', nonce: 1 }],
    ['the greatest nonce', { salt: 'salt', name: 'echo', nonce: SAFE_MAX }],
    ['an empty salt', { salt: '', name: 'echo', nonce: 0 }],
    ['a salt that is not ASCII', { salt: 'e\u0301\u{1f600}', name: 'echo', nonce: 0 }],
    ['of the first partition', { salt: 'salt', name: 'features-0', nonce: 0 }],
  ],
  compute: ({ salt, name, nonce }) => ({ id: genesisProcessId(salt, name, nonce) }),
})

type NonceInput = {
  readonly salt: string
  readonly name: string
  readonly partition: number
  readonly partitions: number
}

const NONCES = subject<NonceInput>({
  subject: 'nonces',
  about:
    'The nonce of a genesis process that must lie in a partition: the least whose id (file ' +
    'genesis-processes) falls into it (file partitions). Input: salt, name, partition, ' +
    'partitions. Output: nonce, id.',
  inputs: [1, 4, 64].map((partitions): Named<NonceInput> => {
    const name = 'hb-contract'
    return [`${partitions} partitions`, { salt: 'salt', name, partition: 0, partitions }]
  }).concat([
    ['the last of 64', { salt: 'salt', name: 'features-63', partition: 63, partitions: 64 }],
  ]),
  compute: ({ salt, name, partition, partitions }) => {
    const nonce = grindNonce(salt, name, partition, partitions)
    return { nonce, id: genesisProcessId(salt, name, nonce) }
  },
})

type PartitionInput = { readonly process: string; readonly partitions: number }

const PARTITIONS = subject<PartitionInput>({
  subject: 'partitions',
  about:
    'partition of a process = (murmur2 & 0x7fffffff) mod partitions, over the bytes of its ' +
    'id as ASCII text, as Kafka\'s Java clients do for a record\'s key (32-bit murmur2, seed ' +
    '0x9747b28c). Input: process (ids; other lengths for the hash\'s sake), partitions. ' +
    'Output: murmur2 (as a signed 32-bit number), partition.',
  inputs: [
    ...[1, 2, 3, 4, 64, 1_024].map((partitions): Named<PartitionInput> => {
      return [`${partitions} partitions`, { process: idOf('process'), partitions }]
    }),
    ...Array.from({ length: 16 }, (_, n): Named<PartitionInput> => {
      return [`id ${n}`, { process: idOf(`process ${n}`), partitions: 64 }]
    }),
    ...['', 'a', 'ab', 'abc', 'abcd', 'abcde'].map((process): Named<PartitionInput> => {
      return [`${process.length} characters`, { process, partitions: 64 }]
    }),
  ],
  compute: ({ process, partitions }) => ({
    murmur2: murmur2(process),
    partition: partitionOf(process, partitions),
  }),
})

export const NETWORK_SUBJECTS: readonly Subject[] = [
  NETWORKS,
  GENESIS_PROCESSES,
  NONCES,
  PARTITIONS,
]
