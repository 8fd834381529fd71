// Sending: what a wallet signs goes to the node at once, and a `Sent` is a handle on what becomes
// of it.
//
// Invariants: S1 messages reach ingress in the order in which they were sent, whoever signed them.
// S2 the id is known when `send` returns: it is the signature's hash. S3 a send that failed throws
// where it is awaited, and only there.

import type { Receipt, ResultView } from '../node/index.ts'
import type { NodeApi } from '../node/index.ts'
import { HbError } from '../std/errors.ts'
import type { Settled, WaitOptions, Watching } from './watching.ts'

/** Items of one submit. */
const SUBMIT_ITEMS = 200

type Waiting = {
  readonly item: Uint8Array
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

export class Sending {
  readonly #api: () => NodeApi
  readonly #queue: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(api: () => NodeApi) {
    this.#api = api
  }

  /** Resolves when the item is durable in ingress. Errors: those of `NodeApi.submit`. */
  submit(item: Uint8Array): Promise<void> {
    const accepted = new Promise<void>((done, failed) => {
      this.#queue.push({ item, done, failed })
    })
    this.#running ??= this.#run()
    return accepted
  }

  /** When nothing is left to submit. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // what is sent in one turn goes together
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const taken = this.#queue.splice(0, SUBMIT_ITEMS)
      try {
        const answers = await this.#api().submit(taken.map(({ item }) => item))
        for (const [index, { done, failed }] of taken.entries()) {
          const answer = answers[index]
          if (answer === undefined || 'error' in answer) failed(answer?.error)
          else done()
        }
      } catch (error) {
        for (const { failed } of taken) failed(error)
      }
    }
    this.#running = undefined
  }
}

/**
 * A message that was sent. Awaited, it is its result, an error of the contract included: see
 * `ok` and `error`.
 */
export class Sent implements PromiseLike<ResultView> {
  readonly id: string
  /** Whom it is for; of a spawn, the new process. */
  readonly process: string
  readonly #accepted: Promise<void>
  readonly #watching: Watching

  constructor(
    place: { readonly id: string; readonly process: string },
    accepted: Promise<void>,
    watching: Watching,
  ) {
    this.id = place.id
    this.process = place.process
    this.#accepted = accepted
    this.#watching = watching
    accepted.catch(() => undefined)
  }

  /** Durable in ingress, not yet ordered. Errors: why the node did not take it. */
  async accepted(): Promise<string> {
    await this.#accepted
    return this.id
  }

  /** Where it was put in the log. */
  async receipt(wait?: WaitOptions): Promise<Receipt> {
    await this.#accepted
    return this.#watching.receipt(this.id, wait)
  }

  async result(wait?: WaitOptions): Promise<ResultView> {
    await this.#accepted
    return this.#watching.result(this.id, wait)
  }

  /** The result, which must be `ok`: else `test-result-unexpected`, with the contract's words. */
  async ok(wait?: WaitOptions): Promise<ResultView> {
    const result = await this.result(wait)
    if (result.status === 'ok') return result
    throw new HbError('test-result-unexpected', `wanted ok, got ${result.code}: ${result.text}`)
  }

  /** The result, which must be an error. */
  async error(wait?: WaitOptions): Promise<ResultView> {
    const result = await this.result(wait)
    if (result.status === 'error') return result
    throw new HbError('test-result-unexpected', 'wanted an error, got ok')
  }

  /** The message and everything it caused, when all of it has come to rest. */
  async settled(wait?: WaitOptions): Promise<Settled> {
    await this.#accepted
    return this.#watching.settled(this.id, wait)
  }

  then<A = ResultView, B = never>(
    done?: ((result: ResultView) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result().then(done, failed)
  }
}
