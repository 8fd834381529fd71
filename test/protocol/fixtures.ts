// A small network, keys that sign, and makers of messages and entries for the protocol's tests.

import { EMPTY_STATE_HASH } from '../../src/protocol/state-hash.ts'
import type { ProcessRow } from '../../src/protocol/transition.ts'
import { generateKeyPairSync, sign } from 'node:crypto'
import type { DataItemFields, SigningKey, Tag } from '../../src/protocol/ans104/index.ts'
import { ED25519, signDataItem } from '../../src/protocol/ans104/index.ts'
import type { Entry, EntryHead } from '../../src/protocol/entry.ts'
import { entryHash, NO_AUTHORITY } from '../../src/protocol/entry.ts'
import type { GenesisOptions, Network } from '../../src/protocol/genesis.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Content, Message, Origin } from '../../src/protocol/message.ts'
import { relayedMessage } from '../../src/protocol/message.ts'
import { fromBase64Url, sha256, toBase64Url } from '../../src/std/bytes.ts'
import type { ErrorCode } from '../../src/std/errors.ts'
import { isHbError } from '../../src/std/errors.ts'

export const PARTITIONS = 4

export function testNetwork(options: Partial<GenesisOptions> = {}): Network {
  return openNetwork(
    makeGenesis({
      name: 'test',
      salt: 'salt',
      partitions: PARTITIONS,
      sandbox: { engine: 'quickjs', version: '0' },
      processes: [
        { name: 'hb', engine: 'native', source: 'hb-contract', state: { stakes: {} } },
        { name: 'echo', engine: 'quickjs', source: 'export {}', state: { b: 1, a: 2 } },
      ],
      ...options,
    }),
  )
}

/** The id that the label's hash is. */
export function idOf(label: string): string {
  return toBase64Url(sha256(Buffer.from(label)))
}

export function makeContent(change: Partial<Content> = {}): Content {
  return {
    kind: 'message',
    target: idOf('target'),
    tags: [{ name: 'Action', value: 'Ping' }],
    data: Buffer.from('hello'),
    hops: 5,
    count: 100,
    budget: '7',
    ...change,
  }
}

export const ORIGIN: Origin = { partition: 1, height: 7, index: 2, seq: 3 }

/** A process's message. */
export function processMessage(
  network: Network,
  change: Partial<Content> = {},
  origin: Partial<Origin> = {},
): Message {
  return relayedMessage(network.id, idOf('caller'), { ...ORIGIN, ...origin }, makeContent(change))
}

export function makeEntry(
  network: Network,
  message: Message,
  head: Partial<EntryHead> = {},
): Entry {
  const whole: EntryHead = {
    partition: 0,
    height: 10,
    prev: sha256(Buffer.from('prev')),
    timestamp: 1_000,
    admission: NO_AUTHORITY,
    ...head,
  }
  return { ...whole, message, hash: entryHash(network.id, whole, message) }
}

export function ed25519Key(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' })
  const owner = fromBase64Url(x as string)
  // a key pair that does not sign would make every test below vacuous
  if (sign(null, owner, privateKey).length !== 64) throw new Error('no key')
  return { signatureType: ED25519, owner, privateKey }
}

/** A signed item for the network: a Network tag is put in front unless the tags have one. */
export function signedItem(
  network: Network,
  key: SigningKey,
  fields: { target?: string; tags?: readonly Tag[]; data?: string | Uint8Array },
): Buffer {
  const { target = idOf('target'), tags = [], data = '' } = fields
  const named = tags.some((tag) => tag.name === 'HB-Network')
  const item: DataItemFields = {
    target: fromBase64Url(target),
    tags: named ? tags : [{ name: 'HB-Network', value: network.id }, ...tags],
    data: Buffer.from(data),
  }
  return signDataItem(key, item)
}

/** The code of the HbError that `act` throws; 'none' if it returns; anything else goes through. */
export function codeOf(act: () => unknown): ErrorCode | 'none' {
  try {
    act()
    return 'none'
  } catch (error) {
    if (isHbError(error)) return error.code
    throw error
  }
}

/** Every hash of the list, the first included, is another one. */
export function allDifferent(hashes: readonly (Uint8Array | string)[]): boolean {
  const texts = hashes.map((hash) => (typeof hash === 'string' ? hash : toBase64Url(hash)))
  return new Set(texts).size === texts.length
}

/** What is known of a process that runs, and has had seven entries. */
export function processRow(change: Partial<ProcessRow> = {}): ProcessRow {
  return {
    process: idOf('target'),
    slot: 6,
    stateHash: EMPTY_STATE_HASH,
    failed: false,
    engine: 'quickjs',
    module: idOf('module'),
    ...change,
  }
}
