// Transactions: what we sign others verify, what is written down comes back, and what was changed is
// refused.

import { beforeAll, expect, test } from '@jest/globals'
import arweaveModule from 'arweave'
import fc from 'fast-check'
import { openArweaveArchive } from '../../../src/archive/arweave/index.ts'
import type { Signed } from '../../../src/archive/arweave/transaction.ts'
import {
  chunksOf,
  dataRoot,
  pack,
  signTransaction,
  tagsOf,
  unpack,
  verifyHeader,
} from '../../../src/archive/arweave/transaction.ts'
import type { Wallet } from '../../../src/client/index.ts'
import { generateWallet } from '../../../src/client/index.ts'
import { isHbError } from '../../../src/std/errors.ts'
import { codeOf } from '../conformance.ts'

const TAGS = [
  { name: 'App-Name', value: 'Hollow-BEAM' },
  { name: 'X-Größe', value: '✓' },
]
/** Of 700 kB: three chunks. */
const DATA = Buffer.from(Array.from({ length: 100_000 }, (_, n) => `${n}`).join('\n'))
const ANCHOR = { anchor: 'a'.repeat(64), height: 1_234_567 }

let wallet: Wallet
let signed: Signed
beforeAll(async () => {
  wallet = await generateWallet('rsa')
  signed = await signTransaction(wallet, { ...ANCHOR, tags: TAGS, data: DATA, fee: 99n })
})

test('arweave-js, as a whole, verifies what was signed', async () => {
  const arweave = arweaveModule.init({})
  const { header, data } = signed
  const theirs = arweave.transactions.fromRaw({ ...header, data })
  expect(await arweave.transactions.verify(theirs)).toBe(true)
  expect(await arweave.wallets.ownerToAddress(header.owner)).toBe(wallet.address)
  expect([header.reward, header.last_tx, header.data_size]).toEqual(['99', ANCHOR.anchor, `${DATA.length}`])
})

test('a verified header says who signed which tags, and the root and size of which data', async () => {
  const { header } = signed
  const verified = await verifyHeader(header.id, JSON.parse(JSON.stringify(header)))
  expect(verified).toEqual({
    owner: wallet.address,
    tags: TAGS,
    dataBytes: DATA.length,
    dataRoot: await dataRoot(DATA),
  })
  expect(tagsOf(header)).toEqual(TAGS)
})

test('what is written down comes back, and no other bytes do', async () => {
  const prepared = pack(signed)
  expect(unpack(prepared)).toEqual(signed)
  const cut = fc.nat(prepared.bytes.length - 1)
  const check = fc.property(cut, (length) => {
    const bytes = prepared.bytes.subarray(0, length)
    try {
      unpack({ id: prepared.id, bytes })
      return false
    } catch (error) {
      return isHbError(error, 'store-file-corrupt')
    }
  })
  fc.assert(check, { numRuns: 50 })
})

test('the chunks are the data, in order', async () => {
  const chunks = await chunksOf(signed)
  expect(chunks.count).toBe(3)
  const parts = Array.from({ length: chunks.count }, (_, index) => {
    const { chunk, data_root: root } = chunks.at(index) as { chunk: string; data_root: string }
    expect(root).toBe(signed.header.data_root)
    return Buffer.from(chunk, 'base64url')
  })
  expect(Buffer.concat(parts).equals(DATA)).toBe(true)
})

test('an empty transaction is one too', async () => {
  const { header } = await signTransaction(wallet, { ...ANCHOR, tags: [], data: Buffer.alloc(0), fee: 1n })
  expect(await verifyHeader(header.id, header)).toMatchObject({ dataBytes: 0, dataRoot: '' })
})

test('a wallet that cannot sign transactions, and what does not fit, are refused before anything is asked', async () => {
  const gateway = 'http://127.0.0.1:1'
  const signer = await generateWallet('ed25519')
  expect(await codeOf(async () => openArweaveArchive({ gateway, signer }))).toBe('archive-wallet-refused')
  const archive = openArweaveArchive({ gateway, signer: wallet, limits: { transactionBytesMax: 10 } })
  const long = [{ name: 'a', value: 'x'.repeat(2_048) }]
  for (const upload of [{ tags: long, data: DATA.subarray(0, 1) }, { tags: [], data: DATA }]) {
    expect(await codeOf(() => archive.prepare(upload))).toBe('archive-item-too-large')
  }
  await archive.close()
})

test.each(['', 'ftp://x', 'https://x?y=z', 'http://'])('%j is no gateway', async (gateway) => {
  expect(await codeOf(async () => openArweaveArchive({ gateway }))).toBe('usage')
})

test('a host alone is asked over https', () => {
  expect(openArweaveArchive({ gateway: 'arweave.net' }).describe()).toBe('Arweave archive at https://arweave.net')
})
