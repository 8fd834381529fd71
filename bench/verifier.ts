// How near the verifier pool comes to the bare rate of the machine.
//
// Floor: the same number of threads calling crypto.verify in a loop on digests prepared beforehand,
// in the same run, in two forms: `options` (the key with padding and salt length beside it, as
// node's manual shows it) and `bare key` (a key object that implies them, which spares node 13 µs a
// call; the same for Ed25519). Ratio = pool / floor. Not measured: the network, admission, many
// wallets (an unknown key costs 25 µs more), batches other than those named, machines whose main
// thread has a core to itself.

import * as crypto from 'node:crypto'
import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { generateWallet, type Wallet } from '../src/client/wallet.ts'
import { deepHash, ownerKey, parseDataItem } from '../src/protocol/ans104/index.ts'
import { createVerifierPool, type Verifier } from '../src/verifier/index.ts'

const BATCH = 500
const BATCHES = 8
const ROUNDS = 5

export type VerifierRow = {
  readonly name: string
  readonly unit: 'items/s'
  readonly value: number
  readonly floor: number
  readonly ratio: number
}

type Prepared = { readonly digest: Uint8Array; readonly signature: Uint8Array }
type FloorData = {
  readonly owner: Uint8Array
  readonly form: 'options' | 'bare key'
  readonly prepared: readonly Prepared[]
}

/** Rows for both key types and both floors, medians of interleaved rounds. */
export async function benchVerifier(): Promise<VerifierRow[]> {
  const rows: VerifierRow[] = []
  for (const kind of ['rsa', 'ed25519'] as const) {
    const wallet = await generateWallet(kind)
    const targets = Array.from({ length: 16 }, () => crypto.randomBytes(32))
    const items = Array.from({ length: BATCH }, (_, i) => item(wallet, targets, i))
    const forms = kind === 'rsa' ? (['options', 'bare key'] as const) : (['bare key'] as const)
    const floors = await Promise.all(forms.map((form) => startFloor({ form, ...prepare(items) })))
    const pool = createVerifierPool()
    await poolRate(pool, items, 2)
    const rates: number[][] = [[], [], ...forms.map(() => [])]
    for (let round = 0; round < ROUNDS; round++) {
      rates[0]?.push(await poolRate(pool, items, 1))
      rates[1]?.push(await poolRate(pool, items, 4))
      for (const [i, floor] of floors.entries()) rates[2 + i]?.push(await floor.rate())
    }
    for (const [i, form] of forms.entries()) {
      const floor = median(rates[2 + i] ?? [])
      for (const [j, mode] of ['one batch at a time', 'four in flight'].entries()) {
        const value = median(rates[j] ?? [])
        const name = `verifier.${kind}, ${mode}, floor: ${form}`
        rows.push({ name, unit: 'items/s', value, floor, ratio: value / floor })
      }
    }
    await pool.close()
    for (const floor of floors) await floor.stop()
  }
  return rows
}

// 200–600 bytes of tags and data, from one wallet to sixteen processes in turn.
function item(wallet: Wallet, targets: readonly Uint8Array[], i: number): Uint8Array {
  const tags = [
    { name: 'Action', value: 'Transfer' },
    { name: 'Recipient', value: crypto.randomBytes(32).toString('base64url') },
    { name: 'Quantity', value: String(i) },
  ]
  const data = crypto.randomBytes(100 + ((i * 7) % 400))
  const target = targets[i % targets.length] ?? crypto.randomBytes(32)
  return wallet.sign({ target, tags, data })
}

function prepare(items: readonly Uint8Array[]): Omit<FloorData, 'form'> {
  const parsed = items.map((bytes) => parseDataItem(bytes))
  const prepared = parsed.map((item) => {
    const { owner, target, anchor, tagBytes, data } = item
    const head = ['dataitem', '1', String(item.signatureType)].map((text) => Buffer.from(text))
    const digest = deepHash([...head, owner, target, anchor, tagBytes, data])
    return { digest: new Uint8Array(digest), signature: new Uint8Array(item.signature) }
  })
  return { owner: new Uint8Array(parsed[0]?.owner ?? []), prepared }
}

async function poolRate(pool: Verifier, items: Uint8Array[], inFlight: number): Promise<number> {
  const start = performance.now()
  const lane = async (): Promise<void> => {
    for (let i = 0; i < BATCHES / inFlight; i++) {
      const verdicts = await pool.verify(items)
      if (verdicts.some((verdict) => !verdict.ok)) throw new Error('a signature does not hold')
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return (1000 * BATCHES * BATCH) / (performance.now() - start)
}

async function startFloor(
  data: FloorData,
): Promise<{ rate(): Promise<number>; stop(): Promise<unknown> }> {
  const threads = availableParallelism()
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(import.meta.url), { workerData: data }),
  )
  const count = Math.ceil((BATCHES * BATCH) / threads)
  const run = (worker: Worker): Promise<unknown> => {
    const done = new Promise((resolve) => worker.once('message', resolve))
    worker.postMessage(count)
    return done
  }
  await Promise.all(workers.map(run))
  return {
    rate: async () => {
      const start = performance.now()
      await Promise.all(workers.map(run))
      return (1000 * count * threads) / (performance.now() - start)
    },
    stop: () => Promise.all(workers.map((worker) => worker.terminate())),
  }
}

function runFloor({ owner, form, prepared }: FloorData): void {
  const isRsa = owner.length === 512
  const key = form === 'options' ? rsaOptions(owner) : ownerKey(isRsa ? 1 : 2, owner)
  const hash = isRsa ? 'sha256' : null
  parentPort?.on('message', (count: number) => {
    for (let i = 0; i < count; i++) {
      const { digest, signature } = prepared[i % prepared.length] as Prepared
      if (!crypto.verify(hash, digest, key, signature)) throw new Error('does not hold')
    }
    parentPort?.postMessage('done')
  })
}

function rsaOptions(owner: Uint8Array): crypto.VerifyKeyObjectInput {
  const n = Buffer.from(owner).toString('base64url')
  return {
    key: crypto.createPublicKey({ key: { kty: 'RSA', e: 'AQAB', n }, format: 'jwk' }),
    padding: crypto.constants.RSA_PKCS1_PSS_PADDING,
    saltLength: crypto.constants.RSA_PSS_SALTLEN_AUTO,
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1] ?? NaN
}

if (!isMainThread) {
  runFloor(workerData as FloorData)
} else if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { name, value, floor, ratio } of await benchVerifier()) {
    const figures = `${value.toFixed(0)}/s of ${floor.toFixed(0)}/s = ${ratio.toFixed(3)}`
    console.log(`${name.padEnd(64)} ${figures}`)
  }
}
