// Held byte for byte against the independent library `arbundles`: items, ids, digests and
// signatures, both ways.

import * as crypto from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import {
  ArweaveSigner,
  createData,
  DataItem as TheirItem,
  deepHash as theirDeepHash,
} from 'arbundles'
import type { Signer } from 'arbundles'
import fc from 'fast-check'
import { generateWallet, type Wallet } from '../../../src/client/wallet.ts'
import { deepHash, parseDataItem, verifyDataItem } from '../../../src/protocol/ans104/index.ts'
import type { DataItemFields, DeepHashChunk } from '../../../src/protocol/ans104/index.ts'
import { ItemHasher } from '../../../src/protocol/ans104/deep-hash.ts'
import { toBase64Url } from '../../../src/std/bytes.ts'

const wallets: Record<string, Wallet> = {}
const signers: Record<string, Signer> = {}

beforeAll(async () => {
  for (const kind of ['rsa', 'ed25519'] as const) {
    const wallet = await generateWallet(kind)
    wallets[kind] = wallet
    const jwk = JSON.parse(wallet.toJwk()) as ConstructorParameters<typeof ArweaveSigner>[0]
    signers[kind] = kind === 'rsa' ? new ArweaveSigner(jwk) : edSigner(wallet)
  }
})

// arbundles has the Ed25519 type but no signer for it that takes a key as bytes.
function edSigner(wallet: Wallet): Signer {
  const key = crypto.createPrivateKey({ key: JSON.parse(wallet.toJwk()), format: 'jwk' })
  return {
    publicKey: Buffer.from(wallet.owner),
    signatureType: 2,
    signatureLength: 64,
    ownerLength: 32,
    sign: (message: Uint8Array) => crypto.sign(null, message, key),
  }
}

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength })
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const tag = fc.record({ name: text(12), value: text(40) })
const tagBytes = (tags: readonly { name: string; value: string }[]): number =>
  tags.reduce((sum, { name, value }) => sum + Buffer.byteLength(name + value) + 4, 4)
const fields: fc.Arbitrary<DataItemFields> = fc.record(
  {
    target: bytes32,
    anchor: bytes32,
    tags: fc.array(tag, { maxLength: 20 }).filter((tags) => tagBytes(tags) <= 4096),
    data: fc.uint8Array({ maxLength: 700 }),
  },
  { requiredKeys: ['data'] },
)

async function theirs(signer: Signer, fields: DataItemFields): Promise<TheirItem> {
  const { target, anchor, tags, data } = fields
  const item = createData(data ?? new Uint8Array(0), signer, {
    ...(target === undefined ? {} : { target: toBase64Url(target) }),
    ...(anchor === undefined ? {} : { anchor: Buffer.from(anchor) as unknown as string }),
    ...(tags === undefined ? {} : { tags: tags.map((tag) => ({ ...tag })) }),
  })
  await item.sign(signer)
  return item
}

describe.each([
  ['rsa', 12],
  ['ed25519', 60],
])('%s', (kind, numRuns) => {
  test('they read, verify and name what we sign', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (made) => {
        const bytes = (wallets[kind] as Wallet).sign(made)
        const item = new TheirItem(Buffer.from(bytes))
        expect(await TheirItem.verify(item.getRaw())).toBe(true)
        const ours = parseDataItem(bytes)
        expect(item.id).toBe(ours.id)
        expect(Buffer.compare(item.rawTarget, Buffer.from(made.target ?? []))).toBe(0)
        expect(Buffer.compare(item.rawAnchor, Buffer.from(made.anchor ?? []))).toBe(0)
        expect(Buffer.compare(item.rawData, Buffer.from(made.data ?? []))).toBe(0)
        expect(item.tags).toEqual(made.tags ?? [])
      }),
      { numRuns },
    )
  })

  test('we read, verify and name what they sign', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (made) => {
        const item = await theirs(signers[kind] as Signer, made)
        const ours = parseDataItem(item.getRaw())
        const { address } = wallets[kind] as Wallet
        expect(verifyDataItem(ours)).toEqual({ ok: true, id: item.id, address })
        expect(ours.tags).toEqual(made.tags ?? [])
        expect(Buffer.compare(ours.data, Buffer.from(made.data ?? []))).toBe(0)
        expect(Buffer.compare(ours.target, Buffer.from(made.target ?? []))).toBe(0)
        expect(Buffer.compare(ours.anchor, Buffer.from(made.anchor ?? []))).toBe(0)
      }),
      { numRuns },
    )
  })

  test('the same fields make the same bytes but for the signature', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (made) => {
        const wallet = wallets[kind] as Wallet
        const item = await theirs(signers[kind] as Signer, made)
        const [a, b] = [parseDataItem(wallet.sign(made)), parseDataItem(item.getRaw())]
        const after = 2 + a.signature.length
        expect(Buffer.compare(a.bytes.subarray(after), b.bytes.subarray(after))).toBe(0)
        if (kind === 'ed25519') expect(a.bytes.equals(b.bytes)).toBe(true)
        const hasher = new ItemHasher()
        const digest = hasher.digest(hasher.afterOwner(a.signatureType, a.owner), a)
        expect(digest.equals(Buffer.from(await item.getSignatureData()))).toBe(true)
      }),
      { numRuns },
    )
  })
})

test('the deep hash of any nesting is theirs', async () => {
  const { tree } = fc.letrec<{ tree: DeepHashChunk }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.uint8Array({ maxLength: 300 }),
      fc.array(tie('tree'), { maxLength: 5 }),
    ),
  }))
  await fc.assert(
    fc.asyncProperty(tree, async (chunk) => {
      const expected = await theirDeepHash(chunk as Parameters<typeof theirDeepHash>[0])
      expect(deepHash(chunk).equals(Buffer.from(expected))).toBe(true)
    }),
    { numRuns: 100 },
  )
})
