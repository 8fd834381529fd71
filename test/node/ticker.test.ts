// The ticker by itself: when it pokes and when it does not, and how it waits where a poke changes
// nothing. Time is the test's: each sleep is recorded, and ends when the test says so.

import { afterEach, expect, test } from '@jest/globals'
import type { DreService } from '../../src/dre/index.ts'
import type { Submitted } from '../../src/node/api.ts'
import type { Holding } from '../../src/node/ownership.ts'
import { makeTicker, newTickerKey } from '../../src/node/ticker.ts'
import type { Ticker } from '../../src/node/ticker.ts'
import { makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Outgoing, Result } from '../../src/protocol/result.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import { HbError } from '../../src/std/errors.ts'
import { clockProcess } from '../../src/system/index.ts'
import { parseDataItem, verifyDataItem } from '../../src/protocol/ans104/index.ts'
import { tagValue } from '../../src/protocol/message.ts'

const common = { name: 'ticker', salt: 't', partitions: 2, sandbox: SANDBOX }
const network = openNetwork(makeGenesis({ ...common, processes: [clockProcess()] }))
const CLOCK_ID = network.processIds.get('clock') as string
const START = 1_000_000

/** A result of the clock that says when the next alarm is due, having fired some or none. */
function result(due?: number, process = CLOCK_ID, hasFired = false): Result {
  const at = due === undefined ? [] : [{ name: 'At', value: String(due) }]
  const tags = [{ name: 'Action', value: 'Next-Alarm' }, ...at]
  const alarm = { kind: 'notice', tags: [{ name: 'Action', value: 'Alarm' }] }
  const messages = [...(hasFired ? [alarm] : []), { kind: 'event', tags }] as unknown as Outgoing[]
  return { process, messages } as unknown as Result
}

class Bed {
  now = START
  logTime = 0
  holding: Holding = 'open'
  /** Ms of each sleep, in order; the last one is under way. */
  readonly sleeps: number[] = []
  readonly pokes: Uint8Array[] = []
  readonly failures: unknown[] = []
  answer: () => Submitted | undefined = () => undefined
  /** What the DRE has of the clock's results; undefined: it has not seen its spawn. */
  results: Result[] | undefined = []
  readonly ticker: Ticker
  #wake: () => void = () => undefined

  constructor() {
    const store = {
      position: () => ({ view: { timestamp: this.logTime } }),
      row: () => this.results && { settledSlot: this.results.length - 1 },
      heights: (_: string, from: number) =>
        [...(this.results ?? []).keys()].filter((each) => each >= from),
      result: (height: number) => this.results?.[height],
    }
    const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
      this.sleeps.push(ms)
      return new Promise((resolve) => {
        this.#wake = resolve
        signal?.addEventListener('abort', () => resolve(), { once: true })
        if (signal?.aborted === true) resolve()
      })
    }
    this.ticker = makeTicker(
      { tickerKey: newTickerKey() },
      {
        network,
        clock: { now: () => this.now, sleep },
        ownership: { of: () => this.holding },
        dre: { owned: () => ({ store }) } as unknown as DreService,
        onFailed: (error) => void this.failures.push(error),
      },
    ) as Ticker
  }

  start(): Promise<void> {
    this.ticker.start((items) => {
      this.pokes.push(...items)
      const answer = this.answer()
      return Promise.resolve(answer === undefined ? [] : [answer])
    })
    return this.quiet()
  }

  /** The sleep under way ends, having lasted as long as it was to. */
  async pass(): Promise<number> {
    const ms = this.sleeps.at(-1) as number
    this.now += ms
    this.#wake()
    await this.quiet()
    return ms
  }

  say(due?: number): Promise<void> {
    this.ticker.evaluated(0, [result(due)])
    return this.quiet()
  }

  quiet(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }
}

let bed: Bed
afterEach(() => bed.ticker.close())

test('idle, it has one long sleep, and other results do not wake it', async () => {
  bed = new Bed()
  bed.results = [result()]
  await bed.start()
  bed.ticker.evaluated(0, [result(5, 'another')])
  bed.ticker.evaluated(1, [result(5)])
  await bed.say()
  expect([bed.sleeps, bed.pokes]).toEqual([[86_400_000], []])
})

test('it sleeps until the next alarm is due, and pokes once', async () => {
  bed = new Bed()
  bed.results = [result()]
  await bed.start()
  await bed.say(START + 5_000)
  expect(bed.sleeps.at(-1)).toBe(5_000)
  await bed.say(START + 3_000)
  expect(await bed.pass()).toBe(3_000)
  expect(bed.pokes).toHaveLength(1)
  const item = bed.pokes[0] as Uint8Array
  expect(verifyDataItem(parseDataItem(item)).ok).toBe(true)
  const message = signedMessage(network, item)
  expect(message).toMatchObject({ process: CLOCK_ID, hops: 33, count: 32 * 257 })
  expect(tagValue(message.tags, 'Action')).toBe('Poke')
  await bed.say()
  expect([bed.ticker.overdueMs, bed.pokes.length]).toEqual([undefined, 1])
  await bed.pass()
  expect(bed.pokes).toHaveLength(1)
})

test('pokes that change nothing come at ever longer pauses, and a change ends that', async () => {
  bed = new Bed()
  bed.results = [result(START)]
  await bed.start()
  const pauses: number[] = []
  for (let turn = 0; turn < 10; turn++) pauses.push(await bed.pass())
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  expect([bed.pokes.length, bed.ticker.figures.pokes]).toEqual([11, 11])
  expect(bed.ticker.overdueMs).toBe(bed.now - START)
  await bed.say(START)
  expect(bed.pokes).toHaveLength(11)
  await bed.say(START + 1)
  expect(await bed.pass()).toBe(20)
  expect(bed.pokes).toHaveLength(12)
})

test('where one poke fires a part of what is due at one time, the next follows at once', async () => {
  bed = new Bed()
  bed.results = [result(START)]
  await bed.start()
  for (let turn = 2; turn < 6; turn++) {
    bed.ticker.evaluated(0, [result(START, CLOCK_ID, true)])
    await bed.quiet()
    expect(await bed.pass()).toBe(20)
    expect(bed.pokes).toHaveLength(turn)
  }
})

test('one that the door refuses is told and counted, and is tried again', async () => {
  bed = new Bed()
  bed.results = [result(START)]
  const error = new HbError('queue-full', 'so full')
  bed.answer = () => ({ error })
  await bed.start()
  await bed.pass()
  expect(bed.failures).toEqual([error, error])
  expect(bed.ticker.figures).toMatchObject({ pokes: 0, failures: new Map([['queue-full', 2]]) })
})

test('only the owner of the partition pokes; who takes it over learns from the results', async () => {
  bed = new Bed()
  bed.holding = 'standby'
  bed.results = [result(START - 1)]
  await bed.start()
  bed.now += 60_000
  expect([bed.pokes, bed.ticker.overdueMs]).toEqual([[], undefined])
  bed.holding = 'open'
  bed.ticker.moved(0)
  await bed.quiet()
  expect(bed.pokes).toHaveLength(1)
  bed.holding = 'closing'
  bed.ticker.moved(0)
  await bed.pass()
  await bed.say(5)
  expect(bed.pokes).toHaveLength(1)
})

test('where no result says when, one poke asks; before the spawn none does', async () => {
  bed = new Bed()
  bed.results = [{ process: CLOCK_ID, messages: [] } as unknown as Result]
  await bed.start()
  expect(bed.pokes).toHaveLength(1)
  await bed.say()
  await bed.pass()
  expect(bed.pokes).toHaveLength(1)
  await bed.ticker.close()
  bed = new Bed()
  bed.results = undefined
  await bed.start()
  expect(bed.pokes).toEqual([])
  await bed.say(START)
  expect(bed.pokes).toHaveLength(1)
})

test("where the log's time is ahead of the machine's, it is the log's that counts", async () => {
  bed = new Bed()
  bed.logTime = START + 10_000
  bed.results = [result(START + 9_000)]
  await bed.start()
  expect(bed.pokes).toHaveLength(1)
})

test('without a key, a DRE or a clock there is none', () => {
  bed = new Bed()
  const parts = {
    network,
    clock: { now: () => 0, sleep: () => Promise.resolve() },
    ownership: { of: (): Holding => 'open' },
    dre: {} as DreService,
    onFailed: () => undefined,
  }
  const tickerKey = newTickerKey()
  expect(makeTicker({}, parts)).toBeUndefined()
  expect(makeTicker({ tickerKey }, { ...parts, dre: undefined })).toBeUndefined()
  const without = openNetwork(makeGenesis(common))
  expect(makeTicker({ tickerKey }, { ...parts, network: without })).toBeUndefined()
  const state = { name: 'clock', engine: 'quickjs' as const, source: 'exports.handle = () => {}', state: {} }
  const other = openNetwork(makeGenesis({ ...common, processes: [state] }))
  expect(makeTicker({ tickerKey }, { ...parts, network: other })).toBeUndefined()
})
