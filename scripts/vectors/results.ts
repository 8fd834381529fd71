// Vectors of Merkle trees and of what they are built over: results and manifests.

import { merklePath, merkleRoot, verifyMerklePath } from '../../src/protocol/merkle.ts'
import type { ManifestHead } from '../../src/protocol/manifest.ts'
import { manifestRoot } from '../../src/protocol/manifest.ts'
import type { ManifestProcess } from '../../src/protocol/records.ts'
import type { Outgoing, Result } from '../../src/protocol/result.ts'
import { outboxRoot, resultLeaf, runRoot } from '../../src/protocol/result.ts'
import { hashHex, idOf, readContent, SAFE_MAX, writtenContent } from './fixed.ts'
import type { WrittenContent } from './fixed.ts'
import type { Named, Subject } from './subject.ts'
import { fromHex, subject, toHex } from './subject.ts'

const leavesOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => Buffer.from(`leaf ${n}`))

type TreeInput = { readonly leaves: readonly string[] }

const MERKLE_ROOTS = subject<TreeInput>({
  subject: 'merkle-roots',
  about:
    'Merkle trees of RFC 6962, section 2.1, with SHA-256: leaf = SHA-256(00, data), node = ' +
    'SHA-256(01, left, right), cut at the greatest power of two below the number of leaves; ' +
    'an odd leaf is never doubled; the root of no leaves is SHA-256 of nothing. Input: ' +
    'leaves (their data, hex). Output: root (hex), paths (per leaf its audit path from the ' +
    'leaf upwards, hex).',
  inputs: [
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17].map((count): Named<TreeInput> => {
      return [`${count} leaves`, { leaves: leavesOf(count).map(toHex) }]
    }),
    ['an empty leaf', { leaves: [''] }],
    ['the same leaf twice', { leaves: ['aa', 'aa'] }],
    ['three, of which the last is the same', { leaves: ['aa', 'bb', 'bb'] }],
  ],
  compute: ({ leaves }) => {
    const data = leaves.map(fromHex)
    const paths = data.map((_, index) => merklePath(data, index).map(toHex))
    return { root: toHex(merkleRoot(data)), paths }
  },
})

type PathInput = {
  readonly leaf: string
  readonly index: number
  readonly size: number
  readonly path: readonly string[]
  readonly root: string
}

const SEVEN = leavesOf(7)

function pathInput(index: number, change: Partial<PathInput> = {}): PathInput {
  const leaf = toHex(SEVEN[index] as Buffer)
  const path = merklePath(SEVEN, index).map(toHex)
  return { leaf, index, size: 7, path, root: toHex(merkleRoot(SEVEN)), ...change }
}

const SIXTH = pathInput(6)

const MERKLE_PATHS = subject<PathInput>({
  subject: 'merkle-paths',
  about:
    'Whether an audit path leads from a leaf\'s data at an index of so many leaves to a root ' +
    '(RFC 6962; file merkle-roots). Input: leaf (hex), index, size, path (hex), root (hex). ' +
    'Output: holds.',
  inputs: [
    ['the first of seven', pathInput(0)],
    ['the odd one', SIXTH],
    ['another index', pathInput(0, { index: 1 })],
    ['another size', pathInput(6, { size: 8 })],
    ['an index that is the size', pathInput(6, { index: 7 })],
    ['another leaf', pathInput(0, { leaf: '00' })],
    ['another root', pathInput(0, { root: hashHex('root') })],
    ['a step too few', pathInput(6, { path: SIXTH.path.slice(1) })],
    ['a step too many', pathInput(6, { path: [...SIXTH.path, hashHex('more')] })],
    ['a step of 31 bytes', pathInput(6, { path: SIXTH.path.map((step) => step.slice(2)) })],
    [
      'one leaf, no path',
      { ...pathInput(0), size: 1, path: [], root: toHex(merkleRoot(SEVEN.slice(0, 1))) },
    ],
    ['no leaves', pathInput(0, { size: 0, path: [] })],
  ],
  compute: ({ leaf, index, size, path, root }) => {
    const steps = path.map(fromHex)
    return { holds: verifyMerklePath(fromHex(leaf), index, size, steps, fromHex(root)) }
  },
})

type WrittenOutgoing = WrittenContent & { readonly seq: number }
type WrittenResult = Omit<Result, 'entryHash' | 'stateHash' | 'messages' | 'messageId'> & {
  readonly entryHash: string
  readonly stateHash: string
  readonly messages: readonly WrittenOutgoing[]
}
type RunInput = {
  readonly network: string
  readonly partition: number
  readonly results: readonly WrittenResult[]
}

function written(change: Partial<WrittenResult> = {}): WrittenResult {
  return {
    height: 7,
    entryHash: hashHex('entry'),
    process: idOf('process'),
    slot: 3,
    status: 'ok',
    code: '',
    text: '',
    gas: 1_234,
    stateHash: hashHex('state'),
    messages: [],
    ...change,
  }
}

const run = (...results: WrittenResult[]): RunInput => ({
  network: idOf('network'),
  partition: 2,
  results,
})

const outgoing = (seq: number, change: Partial<WrittenContent> = {}): WrittenOutgoing => ({
  ...writtenContent(change),
  seq,
})

const bounce = outgoing(1, { kind: 'bounce', hops: 0 })
const refused: Partial<WrittenResult> = {
  status: 'error',
  code: 'contract-error',
  text: 'no: e\u0301\u{1f600}',
  messages: [bounce],
}

const RESULTS = subject<RunInput>({
  subject: 'results',
  about:
    'R7, the leaf of a result and the root of a run of results (consecutive heights of a ' +
    'partition). leaf = H("hb.leaf.1", network, partition, height, entry hash as bytes, ' +
    'process, slot (-1 before its spawn), status, code, text, gas, state hash as bytes, ' +
    'outbox root as bytes). Outbox root = Merkle root (file merkle-roots) over one leaf per ' +
    'message: H("hb.outbox-leaf.1", index, seq (0: an event), content digest as bytes (file ' +
    'content-digests)). Input: network, partition, results (hashes and data as hex). Output: ' +
    'leaves {outboxRoot, leaf} (hex), root (hex) over the leaves.',
  inputs: [
    ['nothing sent', run(written())],
    ['one message', run(written({ messages: [outgoing(5)] }))],
    ['an event between two messages', run(written({
      messages: [
        outgoing(5),
        outgoing(0, { kind: 'event', target: '', hops: 0, count: 0, budget: '0' }),
        outgoing(6, { kind: 'spawn', target: '', data: '' }),
      ],
    }))],
    ['an error with its bounce', run(written(refused))],
    ['before its spawn', run(written({ slot: -1, status: 'error', code: 'process-not-found' }))],
    ['the greatest numbers', run(written({
      height: SAFE_MAX,
      slot: SAFE_MAX,
      gas: SAFE_MAX,
      messages: [outgoing(SAFE_MAX)],
    }))],
    ['three', run(written(), written({ height: 8, ...refused }), written({ height: 9, slot: 4 }))],
    ['none', run()],
  ],
  compute: ({ network, partition, results }) => {
    const read = results.map((result): Result => ({
      ...result,
      messageId: '',
      entryHash: fromHex(result.entryHash),
      stateHash: fromHex(result.stateHash),
      messages: result.messages.map((message): Outgoing => readContent(message)),
    }))
    const whole = { partition, from: read[0]?.height ?? 0, results: read, attestation: null }
    const leaves = read.map((result) => ({
      outboxRoot: toHex(outboxRoot(result.messages)),
      leaf: toHex(resultLeaf(network, partition, result)),
    }))
    return { leaves, root: toHex(runRoot(network, whole)) }
  },
})

type WrittenRow = Omit<ManifestProcess, 'stateHash' | 'fullHash' | 'deltaHash'> & {
  readonly stateHash: string
  readonly fullHash: string
  readonly deltaHash: string
}
type ManifestInput = {
  readonly head: Omit<ManifestHead, 'hash'> & { readonly hash: string }
  readonly processes: readonly WrittenRow[]
}

function row(change: Partial<WrittenRow> = {}): WrittenRow {
  return {
    process: idOf('process'),
    slot: 3,
    stateHash: hashHex('state'),
    failed: false,
    engine: 'quickjs',
    module: idOf('module'),
    fullHeight: 99,
    fullHash: hashHex('full'),
    deltaHeights: [],
    deltaHash: '',
    ...change,
  }
}

function manifest(
  processes: readonly WrittenRow[],
  head: Partial<ManifestInput['head']> = {},
): ManifestInput {
  const place = { partition: 2, height: 299, hash: hashHex('entry'), timestamp: 1_700_000_000_000 }
  return { head: { ...place, counters: [4, 0, 2, 1], outgoing: [0, 9, 3, 7], ...head }, processes }
}

const failed = row({ failed: true, module: '', process: idOf('failed'), slot: 0 })
const withDeltas = row({ deltaHeights: [199, 299], deltaHash: hashHex('delta') })

const MANIFESTS = subject<ManifestInput>({
  subject: 'manifests',
  about:
    'R8, the root that a manifest commits to: Merkle root (file merkle-roots) over the ' +
    'head\'s leaf, then one leaf per process, in order of their spawns. Head: ' +
    'H("hb.manifest-head.1", partition, height, entry hash as bytes, timestamp, number of ' +
    'partitions, incoming counters..., outgoing counters...). Process: ' +
    'H("hb.manifest-row.1", id, slot, state hash as bytes, failed (0 or 1), engine, module ' +
    '(base64url of SHA-256 of its source; \'\' if its spawn failed), height of the last full ' +
    'state, its hash as bytes, number of deltas since, their heights..., hash of the last ' +
    'delta as bytes (file snapshots)). Input: head (counters: incoming, outgoing; hash as ' +
    'hex), processes (hashes as hex). Output: root (hex).',
  inputs: [
    ['no processes', manifest([])],
    ['one', manifest([row()])],
    ['one with deltas', manifest([withDeltas])],
    ['one that failed', manifest([failed])],
    ['three', manifest([row(), withDeltas, failed])],
    ['their order counts', manifest([withDeltas, row(), failed])],
    [
      'incoming and outgoing are not one list',
      manifest([], { counters: [4, 0], outgoing: [2, 1] }),
    ],
    ['the greatest numbers', manifest([row({ slot: SAFE_MAX, fullHeight: SAFE_MAX })], {
      height: SAFE_MAX,
      timestamp: SAFE_MAX,
      counters: [SAFE_MAX],
      outgoing: [SAFE_MAX],
    })],
    ['many deltas', manifest([row({
      deltaHeights: Array.from({ length: 256 }, (_, n) => 100 * n + 199),
      deltaHash: hashHex('delta'),
    })])],
  ],
  compute: ({ head, processes }) => {
    const rows = processes.map((each): ManifestProcess => ({
      ...each,
      stateHash: fromHex(each.stateHash),
      fullHash: fromHex(each.fullHash),
      deltaHash: fromHex(each.deltaHash),
    }))
    return { root: toHex(manifestRoot({ ...head, hash: fromHex(head.hash) }, rows)) }
  },
})

export const RESULT_SUBJECTS: readonly Subject[] = [
  MERKLE_ROOTS,
  MERKLE_PATHS,
  RESULTS,
  MANIFESTS,
]
