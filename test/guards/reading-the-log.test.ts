// What the guide on reading the log shows is what `npm run test:examples` runs on a broker: the same
// text, as short as it says; and hashes by stock libraries are those of the protocol.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { EntryFormat } from '../../examples/reading-the-log/entry-format.ts'
import { encodeDataItem } from '../../src/protocol/ans104/index.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import type { EntryRecord } from '../../src/protocol/codec/records.ts'
import { entryHash, genesisHash } from '../../src/protocol/entry.ts'
import { genesisSpawn, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import type { Message } from '../../src/protocol/message.ts'
import { relayedMessage } from '../../src/protocol/message.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { entryRecord, relayed } from '../protocol/arbitraries.ts'
import { ROOT } from './tool.ts'

const textOf = (path: string): string => readFileSync(`${ROOT}${path}`, 'utf8')

const EXAMPLE = 'examples/reading-the-log'
const GUIDE = textOf('docs/guides/reading-the-log.md')
const LINES_MAX = 30
const COLUMNS_MAX = 100

/** The part of a text that begins with one line and ends before another. */
function part(text: string, from: string, to: string): string {
  return text.slice(text.indexOf(from), text.indexOf(to)).trimEnd() + '\n'
}

const PROGRAMS: Readonly<Record<string, string>> = {
  ts: textOf(`${EXAMPLE}/read-log.ts`),
  java: part(textOf(`${EXAMPLE}/ReadLog.java`), 'public class ReadLog {', '/** Of a process'),
}

describe.each(Object.entries(PROGRAMS))('the program in %s', (language, program) => {
  test('stands in the guide as it is', () => {
    const shown = [...GUIDE.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
    const [block] = shown.filter(([, name]) => name === language)
    expect(block?.[2]).toBe(program)
  })

  test('is as short as the guide says', () => {
    const isCode = (line: string): boolean => !/^\s*($|\/\/|\/?\*|import )/.test(line)
    const lines = program.split('\n').filter(isCode)
    expect(lines.length).toBeGreaterThan(LINES_MAX / 2)
    expect(lines.length).toBeLessThanOrEqual(LINES_MAX)
    expect(lines.filter((line) => line.length > COLUMNS_MAX)).toEqual([])
  })
})

test('the versions of the example are those of the house', () => {
  type Description = { dependencies: Record<string, string> }
  const own = (JSON.parse(textOf('package.json')) as Description).dependencies
  const example = JSON.parse(textOf(`${EXAMPLE}/package.json`)) as Description
  expect(example.dependencies).toEqual({ avsc: own['avsc'], kafkajs: own['kafkajs'] })
  const [, clients] = /kafka-clients<[^]*?<version>(.*?)</.exec(textOf(`${EXAMPLE}/pom.xml`)) ?? []
  expect(textOf('test/support/kafka-install.ts')).toContain(`'kafka_2.13', '${clients}'`)
})

describe('the format that the guide gives', () => {
  const process = { name: 'one', engine: 'quickjs' as const, source: '', state: {} }
  const sandbox = { engine: 'none', version: '0' }
  const genesis = { name: 'guide', salt: 'guide', partitions: 1, sandbox, processes: [process] }
  const network = openNetwork(makeGenesis(genesis))
  const records = new Records()
  const format = new EntryFormat(network.id, `${ROOT}schemas/entry.avsc`)

  const tags = [{ name: 'HB-Network', value: network.id }]
  const itemOf = fc
    .constantFrom([1, 512, 512] as const, [2, 64, 32] as const)
    .chain(([type, signature, owner]) => {
      const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
      const parts = fc.tuple(bytes(signature), bytes(owner), bytes(32), fc.uint8Array())
      return parts.map(([sign, key, target, data]) => {
        return encodeDataItem(type, sign, key, { target, tags, data })
      })
    })
  // avsc takes every whole number but this one, which is far beyond what a network lets in
  const isRead = (record: object): boolean => !Object.values(record).includes(2 ** 53 - 1)
  const heads = entryRecord
    .filter((head) => isRead(head) && isRead(head.admission))
    .map(({ message: _, ...head }) => head)
  type Sample = { readonly message: Message; readonly wire: EntryRecord['message'] }
  const samples: fc.Arbitrary<Sample> = fc.oneof(
    itemOf.map((item): Sample => {
      return { message: signedMessage(network, item), wire: { type: 'signed', item } }
    }),
    relayed.filter(isRead).map((record): Sample => {
      const message = relayedMessage(network.id, record.caller, record, record)
      return { message, wire: { type: 'relayed', relayed: record } }
    }),
    fc.constant<Sample>({
      message: genesisSpawn(network, network.genesis.processes[0] as never),
      wire: { type: 'genesis', name: 'one' },
    }),
  )

  test('gives the hash and the id of every entry', () => {
    const property = fc.property(heads, samples, fc.nat(255), (head, sample, partition) => {
      const { message, wire } = sample
      const value = records.encodeEntry({ ...head, message: wire })
      const entry = format.decode(partition, { key: Buffer.from(message.process), value })
      const { height, prev, timestamp } = head
      const hash = entryHash(network.id, { ...head, partition }, message)
      const { partition: source, seq } = message.origin ?? { partition: -1, seq: 0 }
      expect(entry).toEqual({ height, prev, hash, timestamp, id: message.id, source, seq })
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('gives what height 0 follows', () => {
    expect(format.genesis(7).hash).toEqual(genesisHash(network.id, 7))
  })

  test('refuses a record of another schema', () => {
    const claim = records.claim.encode({ member: 'm', generation: 1, nonce: 'n' })
    expect(() => format.decode(0, { key: null, value: claim })).toThrow(/another schema/)
  })

  test('is all in the guide: header and domains', () => {
    const value = records.encodeEntry(fc.sample(entryRecord, 1)[0] as EntryRecord)
    const [, , ...fingerprint] = [...value.subarray(0, 10)].map((byte) =>
      byte.toString(16).padStart(2, '0'),
    )
    expect(GUIDE).toContain(`\`${fingerprint.join(' ')}\``)
    for (const file of ['entry-format.ts', 'ReadLog.java']) {
      const domains = [...textOf(`${EXAMPLE}/${file}`).matchAll(/['"](hb\.[\w.-]+)['"]/g)]
      expect(domains.length).toBe(7)
      for (const [, domain] of domains) expect(GUIDE).toContain(`H(\`${domain}\``)
    }
  })
})
