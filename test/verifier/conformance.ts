// What every verifier must do (port.ts: P1–P3). A function of the adapter.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { generateWallet, type Wallet } from '../../src/client/wallet.ts'
import { createDataItemVerifier } from '../../src/protocol/ans104/index.ts'
import type { Verifier } from '../../src/verifier/index.ts'

export function verifierTests(name: string, create: () => Verifier): void {
  describe(`${name} is a verifier`, () => {
    const wallets: Wallet[] = []
    let verifier: Verifier

    beforeAll(async () => {
      wallets.push(await generateWallet('rsa'), await generateWallet('ed25519'))
      verifier = create()
    })
    afterAll(() => verifier.close())

    /** Good and bad items of all sorts, `count` of them. */
    function mixture(count: number, seed = 0): Uint8Array[] {
      return Array.from({ length: count }, (_, i) => {
        const wallet = wallets[i % 7 === 3 ? 0 : 1] as Wallet
        const tags = [{ name: 'Seed', value: `${seed}` }]
        const bytes = wallet.sign({ tags, data: Buffer.from(`item ${i}`) })
        if (i % 5 === 1) bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1
        if (i % 11 === 2) return bytes.subarray(0, i)
        return i % 13 === 4 ? Buffer.concat([Buffer.from([9, 0]), bytes]) : new Uint8Array(bytes)
      })
    }
    const expected = (items: readonly Uint8Array[]): unknown[] => {
      const one = createDataItemVerifier()
      return items.map((item) => one.bytes(item))
    }

    test('P1: verdicts in order, one each, those of the one verifier', async () => {
      const items = mixture(120)
      const verdicts = await verifier.verify(items)
      expect(verdicts).toEqual(expected(items))
      const codes = new Set(verdicts.map((verdict) => (verdict.ok ? 'ok' : verdict.code)))
      expect([...codes].sort()).toEqual([
        'item-malformed',
        'ok',
        'signature-invalid',
        'signature-type-unsupported',
      ])
    })

    test('P1: many requests at once, of many sizes', async () => {
      const requests = [0, 1, 2, 3, 40, 1, 1, 7, 1, 90, 0, 1].map((n, i) => mixture(n, i))
      const answers = await Promise.all(requests.map((items) => verifier.verify(items)))
      answers.forEach((verdicts, i) => {
        expect(verdicts).toEqual(expected(requests[i] as Uint8Array[]))
      })
    })

    test('items of no bytes and of megabytes', async () => {
      const wallet = wallets[1] as Wallet
      const big = wallet.sign({ data: Buffer.alloc(3_000_000, 1) })
      const bent = Buffer.from(big)
      bent[2_000_000] = 2
      const items = [new Uint8Array(0), big, wallet.sign({}), bent]
      expect(await verifier.verify(items)).toEqual(expected(items))
      expect((await verifier.verify([big]))[0]?.ok).toBe(true)
    })

    test('closing finishes what was taken, refuses what comes, may be said twice', async () => {
      const other = create()
      const items = mixture(60)
      const taken = [other.verify(items), other.verify(items)]
      const closed = other.close()
      await expect(other.verify(items)).rejects.toMatchObject({ code: 'queue-closed' })
      for (const verdicts of await Promise.all(taken)) expect(verdicts).toEqual(expected(items))
      await closed
      await other.close()
    })
  })
}
