// What every store must do, as a function of the adapter: S1 to S4 of src/store/port.ts, and a
// model test.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { RangeOptions, Store, StoreOp } from '../../src/store/port.ts'

export type StoreUnderTest = {
  readonly store: Store
  /** Closes and opens the same data again; undefined where the adapter keeps nothing. */
  readonly reopen?: () => Promise<Store>
  readonly dispose: () => Promise<void>
}

const put = (key: string, text: string): StoreOp => ({ key, value: Buffer.from(text) })
const remove = (key: string): StoreOp => ({ key, value: null })
const ALL = { from: '\u0000', to: '\u{10ffff}' }

function entries(store: Store, options: RangeOptions = ALL): [string, string][] {
  return [...store.range(options)].map(({ key, value }) => [key, Buffer.from(value).toString()])
}

export function storeConformance(name: string, factory: () => Promise<StoreUnderTest>): void {
  describe(`store port: ${name}`, () => {
    let subject: StoreUnderTest
    beforeEach(async () => void (subject = await factory()))
    afterEach(() => subject.dispose())

    test('S2: what was written is there; later ops of a batch win', async () => {
      const { store } = subject
      expect(store.get('a')).toBeUndefined()
      await store.write([put('a', '1'), put('b', '2'), put('a', '3'), put('c', '4'), remove('c')])
      expect(Buffer.from(store.get('a')!).toString()).toBe('3')
      expect(store.get('c')).toBeUndefined()
      await store.write([remove('a'), remove('absent')])
      await store.write([])
      expect(entries(store)).toEqual([['b', '2']])
    })

    test('bytes given and taken are not shared', async () => {
      const { store } = subject
      const value = Buffer.from('abc')
      await store.write([{ key: 'k', value }])
      value.fill(0)
      const taken = store.get('k')!
      await store.write([put('k', 'other'), put('l', 'x'.repeat(20_000))])
      store.get('l')
      expect(Buffer.from(taken).toString()).toBe('abc')
      const large = store.get('l')!
      await store.write([put('l', 'y'.repeat(20_000))])
      store.get('l')
      expect(Buffer.from(large).toString()).toBe('x'.repeat(20_000))
    })

    test('S3: ranges: bounds, limit, reverse, order by UTF-8 bytes', async () => {
      const { store } = subject
      const keys = ['a', 'a\u0000', 'a/1', 'a/10', 'a/2', 'ab', 'é', '\uffee', '\u{1f600}']
      await store.write([...keys].reverse().map((key) => put(key, key)))
      expect(entries(store).map(([key]) => key)).toEqual(keys)
      const reversed = entries(store, { ...ALL, reverse: true })
      expect(reversed.map(([key]) => key)).toEqual([...keys].reverse())
      const of = (options: RangeOptions) => entries(store, options).map(([key]) => key)
      expect(of({ from: 'a/', to: 'a/2' })).toEqual(['a/1', 'a/10'])
      expect(of({ from: 'a/', to: 'a0', limit: 2 })).toEqual(['a/1', 'a/10'])
      expect(of({ from: 'a/1', to: 'ab', reverse: true, limit: 2 })).toEqual(['a/2', 'a/10'])
      expect(of({ from: 'a/1', to: 'ab', reverse: true })).toEqual(['a/2', 'a/10', 'a/1'])
      expect(of({ from: 'b', to: 'a' })).toEqual([])
    })

    test('keys out of bounds are refused and the whole batch with them', async () => {
      const { store } = subject
      const code = 'store-key-invalid'
      for (const key of ['', 'x'.repeat(1_901), 'é'.repeat(951)]) {
        await expect(store.write([put('a', '1'), put(key, '1')])).rejects.toMatchObject({ code })
      }
      expect(store.get('a')).toBeUndefined()
      await store.write([put('x'.repeat(1_900), '1')])
      expect(store.get('x'.repeat(1_900))).toBeDefined()
    })

    test('S2 over many writes at once, and S4: there after reopening', async () => {
      const { store, reopen } = subject
      await Promise.all(
        Array.from({ length: 100 }, async (_, n) => {
          await store.write([put(`k${n % 10}`, `${n}`), put(`n${n}`, `${n}`)])
          expect(store.get(`n${n}`)).toBeDefined()
        }),
      )
      const before = entries(store)
      expect(before.length).toBe(110)
      expect(before[9]).toEqual(['k9', '99'])
      if (reopen !== undefined) expect(entries(await reopen())).toEqual(before)
    })

    test('S1 to S3 against a model', async () => {
      const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 3 })
      const op = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 8 })) })
      const range = fc.record({ from: key, to: key, limit: fc.nat(5), reverse: fc.boolean() })
      const { store } = subject
      const model = new Map<string, Uint8Array>()
      const bytes = (text: string): Buffer => Buffer.from(text)
      await fc.assert(
        fc.asyncProperty(fc.array(op, { maxLength: 10 }), range, async (ops, options) => {
          await store.write(ops)
          for (const { key: k, value } of ops) {
            if (value === null) model.delete(k)
            else model.set(k, value)
          }
          const expected = [...model]
            .filter(([k]) => bytes(k).compare(bytes(options.from)) >= 0)
            .filter(([k]) => bytes(k).compare(bytes(options.to)) < 0)
            .sort(([a], [b]) => bytes(a).compare(bytes(b)) * (options.reverse ? -1 : 1))
            .slice(0, options.limit)
          const found = [...store.range(options)].map((entry) => [entry.key, [...entry.value]])
          expect(found).toEqual(expected.map(([k, value]) => [k, [...value]]))
        }),
        { numRuns: 200 },
      )
    })

    test('after close it is closed', async () => {
      const { store } = subject
      await store.close()
      await store.close()
      expect(() => store.get('a')).toThrow(expect.objectContaining({ code: 'store-closed' }))
      await expect(store.write([])).rejects.toMatchObject({ code: 'store-closed' })
    })
  })
}
