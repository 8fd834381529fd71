// Signed transfers made before the clock starts: RSA-4096 takes milliseconds each to sign.

import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { generateWallet, messageFields, walletFromJwk } from '../src/client/index.ts'
import type { WalletKind } from '../src/client/index.ts'

type Job = {
  readonly jwk: string
  readonly network: string
  readonly targets: readonly string[]
  readonly count: number
}

/** Items of one new wallet, to the targets in turn. */
export async function signItems(
  kind: WalletKind,
  network: string,
  targets: readonly string[],
  count: number,
): Promise<Buffer[]> {
  const jwk = (await generateWallet(kind)).toJwk()
  const threads = availableParallelism()
  // whole rounds of the targets, so that item i is for target i % targets wherever it was signed
  const share = Math.ceil(count / threads / targets.length) * targets.length
  const shares = await Promise.all(
    Array.from({ length: threads }, () => signShare({ jwk, network, targets, count: share })),
  )
  return shares.flat().slice(0, count)
}

function signShare(job: Job): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: job })
    worker.once('message', (items: Uint8Array[]) => resolve(items.map((item) => Buffer.from(item))))
    worker.once('error', reject)
  })
}

function sign({ jwk, network, targets, count }: Job): Uint8Array[] {
  const wallet = walletFromJwk(jwk)
  return Array.from({ length: count }, (_, i) => {
    const spec = {
      target: targets[i % targets.length] as string,
      action: 'Transfer',
      tags: { Recipient: wallet.address, Quantity: String(1 + i) },
    }
    return wallet.sign(messageFields({ network, generation: 0 }, spec))
  })
}

if (!isMainThread) parentPort?.postMessage(sign(workerData as Job))
