// What a published contract finds beside its arguments: SmartWeave and its parts, BigNumber, the
// key-value store, and what stands in for a host.
import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import BigNumber from 'bignumber.js'
import fc from 'fast-check'
import { hashPartsText } from '../../../src/std/hash-parts.ts'
import { CALLER, openContracts } from './open.ts'

const contracts = openContracts()

/** A contract whose view is the value of an expression over `input`. */
function asking(expression: string): (input?: unknown, fields?: Record<string, unknown>) => unknown {
  const source = `export async function handle(state, { input }) {
    const { utils, crypto, wallets, ar } = SmartWeave.arweave
    return { result: ${expression} }
  }`
  const contract = contracts.open(source)
  return (input = {}, fields) => contract.ask(input, fields)
}

const sha256 = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest()

describe('SmartWeave.transaction and block', () => {
  const FACTS = `{
    id: SmartWeave.transaction.id, owner: SmartWeave.transaction.owner,
    target: SmartWeave.transaction.target, tags: SmartWeave.transaction.tags,
    quantity: SmartWeave.transaction.quantity, reward: SmartWeave.transaction.reward,
    origin: SmartWeave.transaction.origin, dryRun: SmartWeave.transaction.dryRun,
    sortKey: SmartWeave.transaction.sortKey, caller: SmartWeave.caller,
    height: SmartWeave.block.height, timestamp: SmartWeave.block.timestamp,
    hash: SmartWeave.block.indep_hash, message: SmartWeave.message.kind,
    vrf: SmartWeave.vrf.data, contract: SmartWeave.contract,
  }`

  test('are the entry', () => {
    const facts = asking(FACTS)({}, { height: 12, tags: { 'App-Name': 'SmartWeaveAction', b: '2' } })
    const hash = sha256(Buffer.from(`hb.smartweave-block.1/12/${CALLER}`))
    const drawn = sha256(Buffer.from(`hb.smartweave-vrf.1/${CALLER}/12`))
    const place = sha256(Buffer.concat([hash, Buffer.from(CALLER, 'base64url')])).toString('hex')
    const sortKey = `000000000012,1700000000123,${place}`
    expect(facts).toEqual({
      ...{ id: CALLER, owner: CALLER, caller: CALLER, target: '', quantity: '0', reward: '0' },
      tags: [
        { name: 'App-Name', value: 'SmartWeaveAction' },
        { name: 'b', value: '2' },
      ],
      ...{ origin: 'L2', dryRun: false, height: 12, timestamp: 1_700_000_000, message: 'message' },
      ...{ hash: hash.toString('base64url'), sortKey },
      vrf: { index: sortKey, proof: '', bigint: BigInt(`0x${drawn.toString('hex')}`).toString(), pubkey: '' },
      contract: {},
    })
  })

  test('are those that were recorded, where a history is replayed', () => {
    const recorded = {
      ...{ id: 'r1', owner: 'alice', target: 'bob', quantity: '5', reward: '6', sortKey: 'key' },
      ...{ origin: 'L1', tags: [{ name: 'a', value: '1' }], contract: { id: 'c', owner: 'o' } },
      block: { height: 800_000, timestamp: 1_600_000_000, indep_hash: 'block' },
      vrf: { index: 'i', proof: 'p', bigint: '12', pubkey: 'k' },
    }
    const { contract, block, ...rest } = recorded
    const told = { ...rest, caller: 'alice', hash: block.indep_hash, contract }
    const place = { height: block.height, timestamp: block.timestamp }
    expect(asking(FACTS)({}, { smartweave: recorded })).toMatchObject({ ...told, ...place })
  })

  test('sort keys are ordered as entries are', () => {
    const key = asking('SmartWeave.transaction.sortKey')
    const keys = [9, 10, 123_456].map((height) => key({}, { height, timestamp: 1e12 + height }))
    expect([...keys].sort()).toEqual(keys)
  })

  test('a random number is the same for the same entry, and another for another', () => {
    const drawn = asking('[1, 2, 3].map(() => SmartWeave.vrf.randomInt(1000000))')
    const [first, ...others] = drawn() as number[]
    expect(others).toEqual([first, first])
    expect(drawn({}, { height: 13 })).not.toContain(first)
    expect(() => asking('SmartWeave.vrf.randomInt(1.5)')()).toThrow('Integer max value')
  })
})

test('the contract is known by its spawn', () => {
  const contract = contracts.open(
    'export function handle(state) { return { result: SmartWeave.contract } }',
    { kept: 1 },
  )
  const spawn = { kind: 'spawn', id: 'the-process', caller: 'the-owner' }
  expect(contract.send(null, spawn)).toMatchObject({ status: 'ok' })
  expect(contract.ask({})).toEqual({ id: 'the-process', owner: 'the-owner' })
  const known = { contract: { id: 'the-process', owner: 'the-owner' } }
  expect(contract.state()).toEqual({ kept: 1, $smartweave: known })
})

test('a child that its parent named by a salt knows its id', () => {
  const contract = contracts.open('export function handle() { return { result: SmartWeave.contract.id } }')
  const spawn = { kind: 'spawn', from: 'process', caller: 'the-parent', tags: { 'Spawn-Salt': 'é1' } }
  contract.send(null, spawn)
  expect(contract.ask({})).toBe(hashPartsText('hb.child.1', ['the-parent', 'é1']))
})

describe('SmartWeave.arweave', () => {
  test('SHA-256 is that of the host, for any length', () => {
    const hash = asking('Array.from(await crypto.hash(new Uint8Array(input)))')
    const data = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(data, (bytes) => {
        expect(hash([...bytes])).toEqual([...sha256(bytes)])
      }),
      { numRuns: 100, examples: [55, 56, 63, 64, 119, 120].map((n) => [new Uint8Array(n).fill(7)]) },
    )
  })

  test('texts and bytes are turned into one another as the host does', () => {
    const turned = asking(`[
      Array.from(utils.stringToBuffer(input)), utils.bufferToString(utils.stringToBuffer(input)),
      utils.stringToB64Url(input), utils.bufferTob64(utils.stringToBuffer(input)),
      utils.b64UrlToString(utils.stringToB64Url(input)), utils.b64UrlDecode('ab-_c'),
      Array.from(utils.concatBuffers([utils.stringToBuffer('a'), utils.stringToBuffer(input)])),
      new TextDecoder().decode(new TextEncoder().encode(input)),
    ]`)
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(text, (value) => {
        const bytes = Buffer.from(value)
        expect(turned(value)).toEqual([
          ...[[...bytes], value, bytes.toString('base64url'), bytes.toString('base64'), value],
          ...['ab+/c===', [97, ...bytes], value],
        ])
      }),
      { numRuns: 100, examples: [['\ud83d\ude00é€']] },
    )
    expect(() => asking('utils.bufferToString(new Uint8Array([255]))')()).toThrow('no UTF-8')
    expect(() => asking("utils.b64UrlToBuffer('a')")()).toThrow('no base64')
    expect(asking("[atob('aGk='), btoa('hi')]")()).toEqual(['hi', 'aGk='])
  })

  test('amounts of AR and addresses of owners', () => {
    expect(
      asking(`[ar.winstonToAr('1500000000000'), ar.arToWinston('0.000000000001'),
        ar.add('9007199254740993', '1'), ar.isLessThan('2', '10')]`)(),
    ).toEqual(['1.500000000000', '1', '9007199254740994', true])
    const address = sha256(Buffer.from('owners', 'base64url')).toString('base64url')
    expect(asking("await wallets.ownerToAddress('owners')")()).toBe(address)
  })
})

test('BigNumber is the library, made anew for every message that uses it', () => {
  const numbers = asking(`(() => {
    const sum = new BigNumber(input[0]).plus(input[1]).times(3).div(7).toFixed()
    const places = BigNumber.config().DECIMAL_PLACES
    BigNumber.config({ DECIMAL_PLACES: 2 })
    BigNumber.kept = (BigNumber.kept ?? 0) + 1
    BigNumber.prototype.kept = 1
    return [sum, places, BigNumber.kept, new BigNumber(1).div(3).toString()]
  })()`)
  const pair = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.double({ noNaN: true, noDefaultInfinity: true }))
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const expected = new BigNumber(String(a)).plus(String(b)).times(3).div(7).toFixed()
      expect(numbers([String(a), String(b)])).toEqual([expected, 20, 1, '0.33'])
    }),
    { numRuns: 50 },
  )
})

const ABSENT: [string, string][] = [
  ["await SmartWeave.contracts.readContractState('x')", 'by messages alone'],
  ["await SmartWeave.contracts.viewContractState('x', {})", 'by messages alone'],
  ["await SmartWeave.contracts.write('x', {})", 'the crank'],
  ['SmartWeave.unsafeClient.transactions', 'nothing outside the log'],
  ["await SmartWeave.safeArweaveGet('/info')", 'nothing outside the log'],
  ["await SmartWeave.getBalance('x')", 'nothing outside the log'],
  ['await crypto.verify()', 'holds no keys'],
  ["await crypto.hash(new Uint8Array(1), 'SHA-384')", 'only SHA-256'],
  ['setTimeout(() => 1, 1)', 'setTimeout'],
  ["await fetch('https://example.org')", 'fetch'],
  ["require('fs')", 'require'],
]

test.each(ABSENT)('%s says what to do instead', (expression, why) => {
  expect(() => asking(expression)()).toThrow(why)
})

test('the clock is the entry, and what is logged goes nowhere', () => {
  const clock = asking(
    '[Date.now(), new Date().toISOString(), console.log(1) ?? null, logger.info(2) ?? null]',
  )
  const time = new Date(1_700_000_000_123).toISOString()
  expect(clock()).toEqual([1_700_000_000_123, time, null, null])
})
