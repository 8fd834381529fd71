// Ingress in the wire format of a schema registry, with a source of schemas that the test holds in
// its hand: what waits, what does not, what is asked again. The real registry is in
// test/kafka/schema-registry.test.ts.

import { afterEach, describe, expect, test } from '@jest/globals'
import { SCHEMAS } from '../../src/protocol/codec/schemas.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import type { WriterSchema, WriterSchemas } from '../../src/schemas/port.ts'
import { HbError } from '../../src/std/errors.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { Rig, rigNetwork, RECORDS, TOPICS } from '../node/rig.ts'

const network = rigNetwork(['walk'], { partitions: 2 })
const CODE = '__connect.errors.exception.class.name'

class HeldSchemas implements WriterSchemas {
  readonly known = new Map<number, WriterSchema>()
  readonly asked: number[] = []
  fault: HbError | undefined
  hangs = false

  writerSchema(id: number): Promise<WriterSchema> {
    this.asked.push(id)
    if (this.hangs) return new Promise(() => undefined)
    if (this.fault !== undefined) return Promise.reject(this.fault)
    return Promise.resolve(this.known.get(id) ?? { type: 'unusable', text: `no schema ${id}` })
  }
}

const OURS: WriterSchema = { type: 'avro', schema: SCHEMAS.ingress }
const AWAY = new HbError('schema-registry-unreachable', 'away')

let rig: Rig
afterEach(() => rig.close())

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

/** As a registry's client writes it, with our schema. */
function foreign(id: number, item: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, RECORDS.encodeIngress({ type: 'signed', item }).subarray(10)])
}

function idOf(item: Buffer): string {
  return signedMessage(network, item).id
}

/** In one batch; resolves with nothing. */
async function put(partition: number, ...values: Buffer[]): Promise<void> {
  const key = rig.id(`walk-${partition}`)
  await rig.log.append(TOPICS.ingress, partition, values.map((value) => ({ key, value })))
}

function items(partition: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, n) => rig.item(rig.id(`walk-${partition}`), { n }))
}

/** Without the genesis processes. */
async function placed(partition: number): Promise<string[]> {
  return (await rig.chain(partition)).entries.slice(1).map(({ message }) => message.id)
}

async function letterCodes(): Promise<(string | undefined)[]> {
  const { records } = await rig.log.read(TOPICS.deadletters, 0, 0)
  return records.map(({ headers }) => headers?.[CODE])
}

describe('ingress with schemas of a registry', () => {
  test('one that is away stalls its partition from there on; then all is placed in order', async () => {
    rig = await Rig.open(network)
    const schemas = new HeldSchemas()
    schemas.fault = AWAY
    const waits: number[] = []
    const listener = { schemaAwaited: (partition: number) => void waits.push(partition) }
    const { service, halted } = await rig.sequencer({ schemas, listener })
    const [a, b, c, d] = items(0, 4) as [Buffer, Buffer, Buffer, Buffer]
    const plain = (item: Buffer): Buffer => RECORDS.encodeIngress({ type: 'signed', item })
    await put(0, plain(a), foreign(7, b), plain(c), foreign(7, d))
    await until(async () => (await placed(0)).length === 1)
    const [other] = items(1, 1) as [Buffer]
    await put(1, plain(other))
    await until(async () => (await placed(1)).length === 1)
    await until(() => service.figures.schemaWaits >= 3)
    // refused credentials are no verdict on a record either
    schemas.fault = new HbError('schema-registry-refused', 'who are you?')
    const before = service.figures.schemaWaits
    expect([0, 1].map((each) => service.schemaAwaited(each)?.code)).toEqual([AWAY.code, undefined])
    await until(() => service.figures.schemaWaits >= before + 2)
    expect([await placed(0), await letterCodes(), waits]).toEqual([[idOf(a)], [], [0]])
    schemas.known.set(7, OURS)
    schemas.fault = undefined
    await until(async () => (await placed(0)).length === 4)
    expect(await placed(0)).toEqual([a, b, c, d].map(idOf))
    expect(service.schemaAwaited(0)).toBeUndefined()
    const asked = schemas.asked.length
    const [e, f] = ['e', 'f'].map((data) => rig.item(rig.id('walk-0'), data)) as [Buffer, Buffer]
    await put(0, foreign(7, e), plain(f))
    await until(async () => (await placed(0)).length === 6)
    expect([schemas.asked.length, halted, await letterCodes()]).toEqual([asked, [], []])
  })

  test('several schemas in one batch: each is asked once, the order is kept', async () => {
    rig = await Rig.open(network)
    const schemas = new HeldSchemas()
    for (const id of [1, 2, 0]) schemas.known.set(id, OURS)
    schemas.known.set(3, { type: 'avro', schema: '"string"' })
    const { halted } = await rig.sequencer({ schemas })
    const some = items(0, 8)
    const ids = [1, 2, 1, 3, 2, 9, 0, 9]
    await put(0, ...some.map((item, at) => foreign(ids[at] as number, item)))
    const good = some.filter((_, at) => ![3, 9].includes(ids[at] as number)).map(idOf)
    await until(async () => (await placed(0)).length === good.length)
    await until(async () => (await letterCodes()).length === 3)
    expect(await placed(0)).toEqual(good)
    expect(schemas.asked).toEqual([1, 2, 3, 9, 0])
    expect(await letterCodes()).toEqual(Array(3).fill('writer-schema-unusable'))
    // what cannot be read is kept for ever; what is not there may be there next time
    schemas.known.set(9, OURS)
    const [never, late] = ['x', 'y'].map((data) => rig.item(rig.id('walk-0'), data)) as Buffer[]
    await put(0, foreign(3, never as Buffer), foreign(9, late as Buffer))
    await until(async () => (await placed(0)).length === good.length + 1)
    expect((await placed(0)).at(-1)).toBe(idOf(late as Buffer))
    expect([schemas.asked.slice(5), halted]).toEqual([[9], []])
  })

  test('stopped while it waits, it ends at once; the next one reads the record again', async () => {
    rig = await Rig.open(network)
    const schemas = new HeldSchemas()
    schemas.hangs = true
    const store = createMemoryStore()
    const first = await rig.sequencer({ schemas, store })
    const [a, b] = items(0, 2) as [Buffer, Buffer]
    await put(0, foreign(7, a), foreign(7, b))
    await until(() => schemas.asked.length === 1)
    await first.stop()
    expect([first.halted, await placed(0), await letterCodes()]).toEqual([[], [], []])
    const ready = new HeldSchemas()
    ready.known.set(7, OURS)
    await rig.sequencer({ schemas: ready, store })
    await until(async () => (await placed(0)).length === 2)
    expect(await placed(0)).toEqual([a, b].map(idOf))
  })
})
