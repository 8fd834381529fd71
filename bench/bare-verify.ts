// The floor of everything signed: as many threads as cores calling crypto.verify in a loop, on
// digests made beforehand, with the key object that implies padding and salt length (the faster of
// the two forms that bench/verifier.ts compares).

import { verify } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { SignatureType } from '../src/protocol/ans104/index.ts'
import { deepHash, ownerKey, parseDataItem } from '../src/protocol/ans104/index.ts'

type Prepared = { readonly digest: Uint8Array; readonly signature: Uint8Array }
type Work = {
  readonly type: SignatureType
  readonly owner: Uint8Array
  readonly prepared: readonly Prepared[]
}

export type BareVerify = {
  /** Verifies each item `times` times, shared out over the threads; resolves with items/s. */
  rate(times: number): Promise<number>
  close(): Promise<void>
}

/** Items of one wallet. */
export async function openBareVerify(items: readonly Uint8Array[]): Promise<BareVerify> {
  const parsed = items.map((bytes) => parseDataItem(bytes))
  const [first] = parsed
  if (first === undefined) throw new Error('no items')
  const work: Work = {
    type: first.signatureType,
    owner: new Uint8Array(first.owner),
    prepared: parsed.map(({ signatureType, owner, target, anchor, tagBytes, data, signature }) => {
      const head = ['dataitem', '1', String(signatureType)].map((text) => Buffer.from(text))
      const digest = deepHash([...head, owner, target, anchor, tagBytes, data])
      return { digest: new Uint8Array(digest), signature: new Uint8Array(signature) }
    }),
  }
  const threads = availableParallelism()
  const url = new URL(import.meta.url)
  const workers = Array.from({ length: threads }, () => new Worker(url, { workerData: work }))
  const run = (worker: Worker, count: number): Promise<unknown> => {
    const done = new Promise((resolve) => worker.once('message', resolve))
    worker.postMessage(count)
    return done
  }
  const rate = async (times: number): Promise<number> => {
    const each = Math.ceil((items.length * times) / threads)
    const begun = performance.now()
    await Promise.all(workers.map((worker) => run(worker, each)))
    return (each * threads * 1_000) / (performance.now() - begun)
  }
  await rate(1)
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return { rate, close }
}

function work({ type, owner, prepared }: Work): void {
  const key = ownerKey(type, owner)
  const hash = type === 1 ? 'sha256' : null
  parentPort?.on('message', (count: number) => {
    for (let i = 0; i < count; i++) {
      const { digest, signature } = prepared[i % prepared.length] as Prepared
      if (!verify(hash, digest, key, signature)) throw new Error('does not hold')
    }
    parentPort?.postMessage('done')
  })
}

if (!isMainThread) work(workerData as Work)
