// The pool of threads: the conformance suite, its bounds, and threads that die.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { generateWallet, type Wallet } from '../../src/client/wallet.ts'
import { createVerifierPool, type Verifier, type Verdict } from '../../src/verifier/index.ts'
import { verifierTests } from './conformance.ts'

verifierTests('one thread', () => createVerifierPool({ threads: 1 }))
verifierTests('three threads', () => createVerifierPool({ threads: 3, ownersMax: 1 }))

let wallet: Wallet
let folder: string

beforeAll(async () => {
  wallet = await generateWallet('ed25519')
  folder = await mkdtemp(join(tmpdir(), 'verifier-'))
})
afterAll(() => rm(folder, { recursive: true }))

const item = (text: string): Buffer => wallet.sign({ data: Buffer.from(text) })
const good = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => item(`g${i}`))
const code = (verdict: Verdict | undefined): string =>
  verdict?.ok === true ? 'ok' : (verdict?.code ?? 'none')

describe('bounds', () => {
  test('P2, P3: at the limit of items a request is taken, over it refused whole', async () => {
    const pool = createVerifierPool({ threads: 1, queueItemsMax: 10 })
    const first = pool.verify(good(7))
    await expect(pool.verify(good(4))).rejects.toMatchObject({ code: 'queue-full' })
    const second = pool.verify(good(3))
    await expect(pool.verify(good(1))).rejects.toMatchObject({ code: 'queue-full' })
    expect((await first).map(code)).toEqual(Array(7).fill('ok'))
    expect((await second).map(code)).toEqual(Array(3).fill('ok'))
    expect((await pool.verify(good(10))).length).toBe(10)
    await pool.close()
  })

  test('P3: the same of bytes, and what is done makes room', async () => {
    const [one] = good(1) as [Buffer]
    const pool = createVerifierPool({ threads: 1, queueBytesMax: 2 * one.length })
    for (let i = 0; i < 5; i++) {
      const both = pool.verify([one, one])
      await expect(pool.verify([one])).rejects.toMatchObject({ code: 'queue-full' })
      expect((await both).map(code)).toEqual(['ok', 'ok'])
    }
    await pool.close()
  })
})

describe('threads that die', () => {
  const pools: Verifier[] = []
  const dying = (threads: number): Verifier => {
    const workerFile = new URL('./dying-worker.ts', import.meta.url)
    const pool = createVerifierPool({ threads, workerFile })
    pools.push(pool)
    return pool
  }
  afterAll(() => Promise.all(pools.map((pool) => pool.close())))

  test.each([1, 3])('an item that kills twice is refused, others are judged (%i)', async (n) => {
    const pool = dying(n)
    const items = good(60)
    items[20] = item('K')
    items[40] = item('T')
    const verdicts = await pool.verify(items)
    verdicts.forEach((verdict, i) => {
      expect(code(verdict)).toBe(i === 20 || i === 40 ? 'verifier-worker-died' : 'ok')
    })
    expect((await pool.verify(good(30))).map(code)).toEqual(Array(30).fill('ok'))
  })

  test('an item that kills once is tried again and judged', async () => {
    const pool = dying(2)
    const items = [...good(10), item(`O${join(folder, 'once')}`), ...good(10)]
    expect((await pool.verify(items)).map(code)).toEqual(Array(21).fill('ok'))
  })

  test('requests under way with a deadly one are not harmed', async () => {
    const pool = dying(2)
    const answers = await Promise.all([
      pool.verify(good(50)),
      pool.verify([item('K')]),
      pool.verify(good(50)),
      pool.verify([item('bad'), item('K')]),
    ])
    expect(answers.map((verdicts) => verdicts.map(code))).toEqual([
      Array(50).fill('ok'),
      ['verifier-worker-died'],
      Array(50).fill('ok'),
      ['ok', 'verifier-worker-died'],
    ])
  })

  test('threads that cannot start end in verdicts, not in waiting for ever', async () => {
    const workerFile = new URL('./unable-worker.ts', import.meta.url)
    const pool = createVerifierPool({ threads: 2, workerFile })
    const verdicts = await pool.verify(good(20))
    expect(verdicts.map(code)).toEqual(Array(20).fill('verifier-worker-died'))
    await pool.close()
  })
})
