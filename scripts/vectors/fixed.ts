// Ids, keys, contents and networks that the cases are made of: functions of a label, so that they
// are the same in every run.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { SigningKey, Tag } from '../../src/protocol/ans104/index.ts'
import { ED25519 } from '../../src/protocol/ans104/index.ts'
import type { Genesis, GenesisOptions } from '../../src/protocol/genesis.ts'
import { makeGenesis } from '../../src/protocol/genesis.ts'
import type { Content } from '../../src/protocol/message.ts'
import { fromBase64Url, sha256, toBase64Url } from '../../src/std/bytes.ts'
import { fromHex, toHex } from './subject.ts'

export const SAFE_MAX = Number.MAX_SAFE_INTEGER
export const JSON_TYPE: Tag = { name: 'Content-Type', value: 'application/json' }
/** The most that a budget can be: 78 digits. */
export const BUDGET_MAX = '9'.repeat(78)

export function hashOf(label: string): Buffer {
  return sha256(Buffer.from(label))
}

/** The id that the label's hash is. */
export function idOf(label: string): string {
  return toBase64Url(hashOf(label))
}

export const hashHex = (label: string): string => toHex(hashOf(label))
export const textHex = (text: string): string => toHex(Buffer.from(text))

/** A content with its data as hex. */
export type WrittenContent = Omit<Content, 'data'> & { readonly data: string }

export function writtenContent(change: Partial<WrittenContent> = {}): WrittenContent {
  return {
    kind: 'message',
    target: idOf('target'),
    tags: [{ name: 'Action', value: 'Ping' }],
    data: textHex('hello'),
    hops: 5,
    count: 100,
    budget: '7',
    ...change,
  }
}

export function readContent<C extends { readonly data: string }>(
  content: C,
): Omit<C, 'data'> & { readonly data: Buffer } {
  return { ...content, data: fromHex(content.data) }
}

export function writeContent<C extends { readonly data: Uint8Array }>(
  content: C,
): Omit<C, 'data'> & { readonly data: string } {
  return { ...content, data: toHex(content.data) }
}

/** PKCS #8 of an Ed25519 key, up to its 32 bytes (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The key of RFC 8032's 32 secret bytes. */
export function ed25519Key(seed: Uint8Array): SigningKey {
  const der = Buffer.concat([PKCS8_HEAD, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { signatureType: ED25519, owner: fromBase64Url(x as string), privateKey }
}

/** A genesis of four partitions, with one process that is native and one that is not. */
export function fixedGenesis(options: Partial<GenesisOptions> = {}): Genesis {
  return makeGenesis({
    name: 'vectors',
    salt: 'salt',
    partitions: 4,
    sandbox: { engine: 'quickjs', version: '1' },
    processes: [
      { name: 'hb-contract', engine: 'native', source: 'hb-contract@1', state: { stakes: {} } },
      {
        name: 'echo',
        engine: 'quickjs',
        source: 'exports.handle = (state) => ({ state })',
        state: { b: 1, a: { '2': 'two', '1': 'one' } },
      },
    ],
    ...options,
  })
}
