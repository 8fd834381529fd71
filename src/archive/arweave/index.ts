// The Arweave archive: each item a transaction, posted to a gateway and read back from any.
//
// Owners: one per wallet that posts; any number that only read. Invariants: A1 to A4 of the port;
// those of gateway.ts (G), search.ts (Q), transaction.ts (T) and posting.ts (P). V1 nothing that a
// gateway sends is returned before it was verified: header by its signature, data by their root, an
// item of a bundle by its own signature. V2 what does not verify is the gateway's doing, for on
// Arweave nothing is altered: it is asked again as G2 has it, and only then is it an error.

import type { DataItem, DataItemFields, Tag } from '../../protocol/ans104/index.ts'
import { OWNER_BYTES, parseBundle, RSA_PSS, verifyDataItem } from '../../protocol/ans104/index.ts'
import type { Clock } from '../../std/clock.ts'
import { systemClock } from '../../std/clock.ts'
import { HbError, isHbError } from '../../std/errors.ts'
import type { Archive, Durability, Found, Kept, PostOptions, Prepared, Upload } from '../port.ts'
import { Chain } from './chain.ts'
import { Gateway } from './gateway.ts'
import type { ArweaveLimits } from './limits.ts'
import { ARWEAVE_LIMITS, TAG_BYTES_MAX } from './limits.ts'
import { Posting } from './posting.ts'
import { Search } from './search.ts'
import type { ArweaveSigner } from './transaction.ts'
import { altered, dataRoot, pack, verifyHeader } from './transaction.ts'

export type { ArweaveLimits } from './limits.ts'
export { ARWEAVE_LIMITS } from './limits.ts'
export type { ArweaveSigner } from './transaction.ts'

export type ArweaveArchiveOptions = {
  /** `https://host`, `http://host:port`, or a host alone: https. */
  readonly gateway: string
  /** Without one it is only read. */
  readonly signer?: ArweaveSigner
  readonly clock?: Clock
  readonly limits?: Partial<ArweaveLimits>
}

/** What posting costs at a gateway. */
export type ArweaveCosts = {
  /** Winston, for a transaction of so many bytes. */
  price(bytes: number): Promise<bigint>
  balance(address: string): Promise<bigint>
}

/** Throws `usage` where the gateway is no address, `archive-wallet-refused`. */
export function openArweaveArchive(options: ArweaveArchiveOptions): Archive & ArweaveCosts {
  return new ArweaveArchive(options)
}

class ArweaveArchive implements Archive, ArweaveCosts {
  readonly #gateway: Gateway
  readonly #chain: Chain
  readonly #search: Search
  readonly #posting: Posting | undefined
  readonly #signer: ArweaveSigner | undefined
  readonly #clock: Clock
  readonly #limits: ArweaveLimits
  readonly #closing = new AbortController()

  constructor({ gateway, signer, clock = systemClock, limits }: ArweaveArchiveOptions) {
    this.#clock = clock
    this.#limits = { ...ARWEAVE_LIMITS, ...limits }
    this.#gateway = new Gateway({ url: gateway, clock, limits: this.#limits })
    this.#chain = new Chain(this.#gateway, this.#limits)
    this.#search = new Search(this.#gateway, this.#limits)
    this.#signer = signer
    if (signer === undefined) return
    if (signer.owner.length !== OWNER_BYTES[RSA_PSS]) {
      throw new HbError('archive-wallet-refused', `${signer.address} is not of RSA 4096`)
    }
    this.#posting = new Posting({
      chain: this.#chain,
      search: this.#search,
      signer,
      clock,
      limits: this.#limits,
      check: (id) => this.#transaction(id),
    })
  }

  get address(): string | undefined {
    return this.#signer?.address
  }

  signItem(fields: DataItemFields): Buffer {
    if (this.#signer === undefined) throw this.#readOnly()
    return this.#signer.sign(fields)
  }

  async prepare({ tags, data }: Upload): Promise<Prepared> {
    const { transactionBytesMax } = this.#limits
    if (this.#posting === undefined) throw this.#readOnly()
    const tagBytes = tags.reduce(
      (sum, { name, value }) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
      0,
    )
    if (tagBytes > TAG_BYTES_MAX) {
      throw tooLarge(`${tagBytes} bytes of tags, over ${TAG_BYTES_MAX}`)
    }
    if (data.length > transactionBytesMax) {
      throw tooLarge(`${data.length} bytes, over ${transactionBytesMax}`)
    }
    return pack(await this.#posting.sign({ tags, data }, this.#closing.signal))
  }

  async post(
    prepared: Prepared,
    durability: Durability,
    { signal, ...rest }: PostOptions = {},
  ): Promise<void> {
    if (this.#posting === undefined) throw this.#readOnly()
    const closing = this.#closing.signal
    const ended = signal === undefined ? closing : AbortSignal.any([signal, closing])
    await this.#posting.post(prepared, durability, { ...rest, signal: ended })
  }

  find(tags: readonly Tag[], owners?: readonly string[]): AsyncGenerator<Found> {
    return this.#search.byTags(tags, owners)
  }

  /** A transaction; or a data item out of the bundle of one. */
  async read(id: string): Promise<Kept> {
    const kept = await this.#transaction(id)
    if (kept !== undefined) return kept
    const bundle = await this.#search.bundleOf(id)
    const holder = bundle === undefined ? undefined : await this.#transaction(bundle)
    if (holder === undefined) throw this.#absent(id)
    const item = itemOf(holder, id)
    return { id, owner: item.address, tags: item.tags, data: item.data }
  }

  price(bytes: number): Promise<bigint> {
    return this.#chain.price(bytes)
  }

  balance(address: string): Promise<bigint> {
    return this.#chain.balance(address)
  }

  describe(): string {
    return `Arweave archive at ${this.#gateway.url}`
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }

  /** Undefined: the gateway knows no transaction of this id. */
  async #transaction(id: string): Promise<Kept | undefined> {
    const { triesMax, retryDelayMs, retryDelayMsMax } = this.#limits
    const { signal } = this.#closing
    for (let tried = 1, delayMs = retryDelayMs; ; tried++, delayMs *= 2) {
      try {
        return await this.#askedOnce(id)
      } catch (error) {
        if (!isHbError(error, 'archive-item-altered')) throw error
        if (tried >= triesMax || signal.aborted) throw error
        await this.#clock.sleep(Math.min(delayMs, retryDelayMsMax), signal)
      }
    }
  }

  async #askedOnce(id: string): Promise<Kept | undefined> {
    const given = await this.#chain.transaction(id)
    if (given === undefined) return undefined
    const { owner, tags, dataBytes, dataRoot: root } = await verifyHeader(id, given)
    if (dataBytes > this.#limits.transactionBytesMax) {
      throw tooLarge(`${id} has ${dataBytes} bytes`)
    }
    const data = dataBytes === 0 ? Buffer.alloc(0) : await this.#chain.data(id, dataBytes)
    if (data === undefined) throw this.#absent(`${id}: its data`)
    if (data.length !== dataBytes) {
      throw altered(`${this.#gateway.url}/${id}: ${data.length} bytes of ${dataBytes}`)
    }
    if ((await dataRoot(data)) === root) return { id, owner, tags, data }
    throw altered(`${this.#gateway.url}/${id}: its data do not have its root`)
  }

  #absent(what: string): HbError {
    return new HbError('archive-absent', `${this.describe()} does not have ${what}`)
  }

  #readOnly(): HbError {
    return new HbError('archive-read-only', this.describe())
  }
}

function tooLarge(detail: string): HbError {
  return new HbError('archive-item-too-large', detail)
}

/** Throws `archive-item-altered`. */
function itemOf({ id: bundle, data }: Kept, id: string): DataItem {
  try {
    const item = parseBundle(data).find((each) => each.id === id)
    if (item === undefined) throw altered(`the bundle ${bundle} does not hold ${id}`)
    const verdict = verifyDataItem(item)
    if (!verdict.ok) throw altered(`${id} in ${bundle}: ${verdict.text}`)
    return item
  } catch (error) {
    if (!isHbError(error, 'bundle-malformed')) throw error
    throw altered(`${bundle}: ${error.message}`)
  }
}
