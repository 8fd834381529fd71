// What a gateway says of the chain: height, anchor, prices, balances, and what became of a
// transaction. Each answer is checked for its form: another one is nonsense, and asked for again.

import { isIdText } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import type { Answer, Gateway } from './gateway.ts'
import { failed, parseAnswer, textOf } from './gateway.ts'
import type { ArweaveLimits } from './limits.ts'

/** `pending`: known and in no block yet. */
export type Status =
  | { readonly state: 'unknown' | 'pending' }
  | { readonly state: 'mined'; readonly confirmations: number }

/** To what a transaction is bound, and from which height of the chain its time runs. */
export type Anchor = { readonly anchor: string; readonly height: number }

const ANCHOR = /^[A-Za-z0-9_-]{43,64}$/

export class Chain {
  readonly #gateway: Gateway
  readonly #limits: ArweaveLimits

  constructor(gateway: Gateway, limits: ArweaveLimits) {
    this.#gateway = gateway
    this.#limits = limits
  }

  async height(signal?: AbortSignal): Promise<number> {
    return this.#gateway.ask({ path: '/info', signal }, (answer) => {
      const { height } = objectOf(okAnswer(answer))
      return wholeOf(height, 'a height')
    })
  }

  async anchor(signal?: AbortSignal): Promise<Anchor> {
    // before the anchor: whatever is mined in between, its time is not over later than thought
    const height = await this.height(signal)
    const anchor = await this.#gateway.ask({ path: '/tx_anchor', signal }, (answer) => {
      return textLike(okText(answer), ANCHOR, 'an anchor')
    })
    return { anchor, height }
  }

  /** Winston, for a transaction with so many bytes of data. */
  async price(bytes: number, signal?: AbortSignal): Promise<bigint> {
    return this.#winston(`/price/${bytes}`, signal)
  }

  async balance(address: string, signal?: AbortSignal): Promise<bigint> {
    return this.#winston(`/wallet/${address}/balance`, signal)
  }

  async status(id: string, signal?: AbortSignal): Promise<Status> {
    return this.#gateway.ask({ path: `/tx/${id}/status`, signal }, (answer) => {
      if (answer.status === 404) return { state: 'unknown' }
      if (answer.status === 202 || textOf(answer) === 'Pending') return { state: 'pending' }
      const { number_of_confirmations: confirmations } = objectOf(okAnswer(answer))
      return { state: 'mined', confirmations: wholeOf(confirmations, 'confirmations') }
    })
  }

  /** As the gateway has it; undefined: there is none. */
  async transaction(id: string): Promise<unknown> {
    return this.#gateway.ask({ path: `/tx/${id}` }, (answer) => {
      if (answer.status === 202) throw failed('it is in no block yet')
      return answer.status === 404 ? undefined : okAnswer(answer)
    })
  }

  /** A transaction's data, of so many bytes or less; undefined: the gateway lacks them. */
  async data(id: string, dataBytes: number): Promise<Buffer | undefined> {
    return this.#gateway.ask({ path: `/${id}`, dataBytes }, ({ status, bytes }) => {
      return status === 200 ? bytes : undefined
    })
  }

  /** Throws `archive-post-refused` where the gateway does not take it. */
  async post(path: '/tx' | '/chunk', body: object, signal?: AbortSignal): Promise<void> {
    const { transactionBytesMax: dataBytes } = this.#limits
    await this.#gateway.ask({ path, body, dataBytes, signal }, (answer) => {
      // 208: it has it already
      if (answer.status < 300) return
      throw new HbError('archive-post-refused', `${path}: ${answer.status} ${textOf(answer)}`)
    })
  }

  async #winston(path: string, signal: AbortSignal | undefined): Promise<bigint> {
    return this.#gateway.ask({ path, signal }, (answer) => {
      return BigInt(textLike(okText(answer), /^\d{1,24}$/, 'winston'))
    })
  }
}

function okAnswer(answer: Answer): unknown {
  if (answer.status !== 200) throw failed(`status ${answer.status}: ${textOf(answer)}`)
  return parseAnswer(answer)
}

function okText(answer: Answer): string {
  if (answer.status !== 200) throw failed(`status ${answer.status}: ${textOf(answer)}`)
  return answer.bytes.toString().trim()
}

export function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw failed(`no JSON object: ${JSON.stringify(value)}`)
}

export function wholeOf(value: unknown, what: string): number {
  const number = typeof value === 'string' ? Number(value) : value
  if (Number.isSafeInteger(number) && (number as number) >= 0) return number as number
  throw failed(`${what} is ${JSON.stringify(value)}`)
}

export function idOf(value: unknown, what: string): string {
  if (typeof value === 'string' && isIdText(value)) return value
  throw failed(`${what} is ${JSON.stringify(value)}`)
}

function textLike(text: string, form: RegExp, what: string): string {
  if (form.test(text)) return text
  throw failed(`${what} is ${JSON.stringify(text.slice(0, 100))}`)
}
