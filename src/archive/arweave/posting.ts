// A signed transaction onto Arweave: its header, its chunks, and the wait until it is durable.
//
// Owners: one per archive; any number of transactions at the same time. Invariants: P1 what is
// posted is the prepared transaction, byte for byte, again and again until it is durable. P2
// another one takes its place only when no block can hold it any more, has the same data and tags,
// and is handed to the caller before its first byte is posted. P3 `post` resolves only when whoever
// searches finds it, and, where confirmations are asked for, its data were read back whole: nodes
// mine headers whose data never came. P4 after an interrupted upload the chunks that the gateway
// took are not sent again.

import type { Clock } from '../../std/clock.ts'
import type { ErrorCode } from '../../std/errors.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { Durability, PostOptions, Prepared } from '../port.ts'
import type { Chain, Status } from './chain.ts'
import type { ArweaveLimits } from './limits.ts'
import { EXPIRY_BLOCKS } from './limits.ts'
import type { Search } from './search.ts'
import type { ArweaveSigner, Signed, Unsigned } from './transaction.ts'
import { chunksOf, pack, signTransaction, tagsOf, unpack } from './transaction.ts'

export type PostingOptions = {
  readonly chain: Chain
  readonly search: Search
  readonly signer: ArweaveSigner
  readonly clock: Clock
  readonly limits: ArweaveLimits
  /** Reads it back; undefined, or throws, where it is not whole. */
  readonly check: (id: string) => Promise<unknown>
}

/** Its data did not come, or not whole. */
const LACKING: readonly ErrorCode[] = ['archive-absent', 'archive-item-altered']

type Progress = { chunksDone: number; isWhole: boolean; postedMs: number }

export class Posting {
  readonly #o: PostingOptions
  /** Of what is being posted, and what an interruption left. */
  readonly #progress = new Map<string, Progress>()
  /** Fees of what is being posted: the wallet has yet to pay them. */
  readonly #fees = new Map<string, bigint>()

  constructor(options: PostingOptions) {
    this.#o = options
  }

  /** Throws `archive-fee-high`, `archive-balance-low`. */
  async sign(what: Pick<Unsigned, 'tags' | 'data'>, signal?: AbortSignal): Promise<Signed> {
    const { chain, signer, limits } = this.#o
    const fee = await chain.price(what.data.length, signal)
    if (fee > limits.feeMax) {
      throw new HbError('archive-fee-high', `${fee} winston for ${what.data.length} bytes`)
    }
    const balance = await chain.balance(signer.address, signal)
    const open = [...this.#fees.values()].reduce((sum, each) => sum + each, 0n)
    if (balance < fee + open) {
      const text = `${signer.address} has ${balance} winston, ${fee + open} are needed`
      throw new HbError('archive-balance-low', text)
    }
    return signTransaction(signer, { ...what, ...(await chain.anchor(signal)), fee })
  }

  async post(
    prepared: Prepared,
    durability: Durability,
    { signal, onReplaced }: PostOptions,
  ): Promise<void> {
    const { chain, clock, limits } = this.#o
    let signed = unpack(prepared)
    try {
      for (;;) {
        const { id, reward } = signed.header
        this.#fees.set(id, BigInt(reward))
        const status = await chain.status(id, signal)
        if (status.state === 'unknown' && (await this.#isExpired(signed, signal))) {
          this.#forget(id)
          signed = await this.#renew(signed, signal)
          await onReplaced?.(pack(signed))
          continue
        }
        const isSent = await this.#send(signed, status, signal)
        if (!isSent && (await this.#isDurable(id, status, durability, signal))) {
          return this.#forget(id)
        }
        if (!isSent) await clock.sleep(limits.pollDelayMs, signal)
        if (signal?.aborted === true) throw new HbError('interrupted', `posting ${id}`)
      }
    } finally {
      this.#fees.delete(signed.header.id)
    }
  }

  /** False: there was nothing to send, or it is not yet time to send it again. */
  async #send(signed: Signed, { state }: Status, signal?: AbortSignal): Promise<boolean> {
    const { chain, clock, limits } = this.#o
    const { header, data } = signed
    const progress = this.#progressOf(header.id)
    if (state !== 'unknown' && progress.isWhole) return false
    const isEarly = clock.now() - progress.postedMs < limits.repostDelayMs
    if (state === 'unknown' && isEarly) return false
    const chunks = await chunksOf(signed)
    const { count } = chunks
    if (state === 'unknown') {
      // a single chunk goes with the header
      const body = { ...header, data: count > 1 ? '' : data.toString('base64url') }
      await this.#postHeader(header.id, body, signal)
      progress.postedMs = clock.now()
      progress.chunksDone = count > 1 ? 0 : count
    }
    while (progress.chunksDone < count) {
      await chain.post('/chunk', chunks.at(progress.chunksDone), signal)
      progress.chunksDone += 1
    }
    progress.isWhole = true
    return true
  }

  /** A gateway that has it already may refuse it. */
  async #postHeader(id: string, body: object, signal?: AbortSignal): Promise<void> {
    const { chain } = this.#o
    try {
      await chain.post('/tx', body, signal)
    } catch (error) {
      if (!isHbError(error, 'archive-post-refused')) throw error
      if ((await chain.status(id, signal)).state === 'unknown') throw error
    }
  }

  async #isDurable(
    id: string,
    status: Status,
    durability: Durability,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { search, check } = this.#o
    if (status.state === 'unknown') return false
    if (durability !== 'accepted') {
      if (status.state !== 'mined' || status.confirmations < durability) return false
    }
    if (!(await search.has(id, signal))) return false
    if (durability === 'accepted') return true
    try {
      if ((await check(id)) !== undefined) return true
    } catch (error) {
      if (!isHbError(error) || !LACKING.includes(error.code)) throw error
    }
    this.#progress.delete(id)
    return false
  }

  async #isExpired({ height }: Signed, signal?: AbortSignal): Promise<boolean> {
    return (await this.#o.chain.height(signal)) > height + EXPIRY_BLOCKS
  }

  async #renew({ header, data }: Signed, signal?: AbortSignal): Promise<Signed> {
    const { owner } = this.#o.signer
    // what is in the bundle is signed by the wallet that signed it
    if (!Buffer.from(owner).equals(Buffer.from(header.owner, 'base64url'))) {
      throw new HbError('archive-wallet-refused', `${header.id} is another wallet's`)
    }
    return this.sign({ tags: tagsOf(header), data }, signal)
  }

  #progressOf(id: string): Progress {
    const known = this.#progress.get(id)
    if (known !== undefined) return known
    const progress = { chunksDone: 0, isWhole: false, postedMs: -Infinity }
    this.#progress.set(id, progress)
    return progress
  }

  #forget(id: string): void {
    this.#progress.delete(id)
    this.#fees.delete(id)
  }
}
