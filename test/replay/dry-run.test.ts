// A dry run on a state of before gives what the entry that came then gave.

import { afterEach, expect, test } from '@jest/globals'
import { dryRunAt } from '../../src/replay/index.ts'
import type { DryRunThen, Point } from '../../src/replay/index.ts'
import type { EntryView } from '../../src/node/index.ts'
import type { DryRunSpec } from '../../src/protocol/dry-run.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { editorNetwork, RecordedNode } from './recorded-node.ts'

let live: RecordedNode | undefined
afterEach(async () => {
  await live?.close()
  live = undefined
})

async function start(intervalLength: number): Promise<RecordedNode> {
  const node = await RecordedNode.start(editorNetwork(intervalLength))
  live = node
  for (let n = 0; n < 12; n++) {
    await node.send('a', n % 5 === 4 ? { fail: 'as asked' } : { set: ['x', n], push: n })
    await node.send('a', { tell: [node.id('b'), { pop: true }] })
  }
  await node.quiet()
  return node
}

async function tryAt(
  node: RecordedNode,
  process: string,
  point: Point,
  spec: DryRunSpec & { timestamp: number },
): Promise<DryRunThen> {
  const { network } = node
  const place = { network, log: await node.reader(), applicationId: 'hb', ...(await node.bench()) }
  return dryRunAt({ ...place, process, point, spec, withState: true })
}

async function entriesOf(node: RecordedNode, process: string): Promise<EntryView[]> {
  const partition = partitionOf(process, node.network.genesis.partitions)
  const last = node.node.api.health().partitions[partition]?.evaluated ?? -1
  const stop = new AbortController()
  const entries: EntryView[] = []
  for await (const entry of node.node.api.tail(partition, 0, stop.signal)) {
    if (entry.process === process) entries.push(entry)
    if (entry.height >= last) break
  }
  stop.abort()
  return entries
}

test.each([4, 1_000])('interval %i: at every slot, by slot, by height and by time', async (length) => {
  const node = await start(length)
  const { limits } = node.network.genesis
  const began = new Set<string>()
  for (const name of ['a', 'b']) {
    const process = node.id(name)
    const entries = await entriesOf(node, process)
    const results = await node.node.api.results(process, 0, 100)
    expect(results).toHaveLength(entries.length)
    for (let slot = 1; slot < entries.length; slot++) {
      const [before, entry, result] = [entries[slot - 1], entries[slot], results[slot]]
      if (before === undefined || entry === undefined || result === undefined) throw new Error()
      const { caller, tags, data, timestamp, messageId: id } = entry
      const from = entry.from === 'process' ? ('process' as const) : ('wallet' as const)
      // what is left to a message of a process is one less than its wallet's
      const left = { hops: limits.hopsDefault - 1, count: limits.countDefault - 1 }
      const points: Point[] = [{ slot: slot - 1 }, { height: before.height }]
      if (before.timestamp < timestamp) points.push({ time: before.timestamp })
      const point = points[slot % points.length] as Point
      const spec = { caller, tags, data, timestamp, id, from, ...(from === 'process' && left) }
      const { basis, run, began: at } = await tryAt(node, process, point, spec)
      began.add(at.at)
      const { status, code, text, gas, messages } = run.outcome
      expect([basis.slot, toBase64Url(basis.stateHash)]).toEqual([
        slot - 1,
        results[slot - 1]?.stateHash,
      ])
      expect({ status, code, text, gas, messages: messages.map(({ target }) => target) }).toEqual({
        status: result.status,
        code: result.code,
        text: result.text,
        gas: result.gas,
        messages: result.messages.map(({ target }) => target),
      })
      const recorded = node.states.get(process)?.get(slot)
      if (recorded !== undefined) expect(run.state).toBe(recorded.text)
    }
  }
  expect([...began].sort()).toEqual(length === 4 ? ['genesis', 'manifest'] : ['genesis'])
}, 60_000)

test('a point that was never, and a message that cannot be', async () => {
  const node = await start(1_000)
  const spec = { caller: node.id('b'), timestamp: 1 }
  await expect(tryAt(node, node.id('a'), { slot: 999 }, spec)).rejects.toMatchObject({
    code: 'state-unknown',
  })
  await expect(
    tryAt(node, node.id('a'), { slot: 1 }, { ...spec, kind: 'notice' }),
  ).rejects.toMatchObject({ code: 'dry-run-malformed' })
}, 30_000)
