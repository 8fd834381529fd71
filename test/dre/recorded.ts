// A log that a whole crank has written, to be evaluated again in every way: walks, failures,
// bounces, spawns.

import { expect } from '@jest/globals'
import type { Log, StoredRecord } from '../../src/log/port.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { until } from '../node/fleet.ts'
import { Rig, RECORDS, TOPICS, rigNetwork } from '../node/rig.ts'

export const INTERVAL = 7

export type Recorded = {
  readonly network: Network
  /** Records of `log` by partition. */
  readonly log: readonly (readonly StoredRecord[])[]
  /** Leaves of the undisturbed run by partition and height. */
  readonly leaves: readonly (readonly string[])[]
  /** Values of `snapshots` by partition and key, as the undisturbed run wrote them. */
  readonly snapshots: readonly ReadonlyMap<string, string>[]
}

export async function recordLog(): Promise<Recorded> {
  const network = rigNetwork(['walk', 'counter', 'book'], { intervalLength: INTERVAL })
  const rig = await Rig.open(network)
  await rig.sequencer()
  await rig.dre()
  await rig.relayer()
  const to = ['walk-0', 'walk-1', 'walk-2', 'counter-1'].map((name) => rig.id(name))
  const nobody = rig.id('walk-0').slice(0, -2) + 'AA'
  const spawn = { kind: 'spawn', data: { source: 'counter', state: { child: 1 } } }
  const failing = { kind: 'spawn', data: { source: 'stillborn', state: {} } }
  const unknown = { kind: 'spawn', tags: { Reference: 'r' }, data: { source: 'no-such' } }
  const send = [{ target: nobody, tags: { 'X-Own': 'x' }, data: 'hi' }, spawn, failing, unknown]
  const fail = { target: rig.id('counter-2'), data: { fail: 'on purpose' } }
  const spawned = [rig.spawn('stillborn'), rig.spawn('counter', { of: 'a wallet' })]
  spawned.push(rig.spawn('no-such'))
  const items = [
    rig.item(to[0] as string, { left: 4, fan: 2, to }),
    rig.item(rig.id('counter-0'), { send: [...send, fail] }),
    rig.item(rig.id('counter-0'), { fail: 'x' }),
    rig.item(rig.id('counter-0'), { bad: 1 }),
    rig.item(rig.id('counter-1'), { status: 'refused by itself' }),
  ]
  // in one batch with their spawns, some of which fail: what follows must not see the difference
  for (const spawn of spawned) {
    const { id } = signedMessage(network, spawn)
    items.push(spawn, rig.item(id, { n: 1 }), rig.item(id, { n: 2 }))
  }
  for (let n = 0; n < 33; n++) items.push(rig.item(rig.id(`book-${n % 3}`), { n }))
  await rig.send(...items)
  await rig.quiet()
  await rig.check()
  return takeDown(rig)
}

/** What a quiet network has written; closes it. */
export async function takeDown(rig: Rig): Promise<Recorded> {
  const { network } = rig
  const all = await rig.everything()
  const recorded = {
    network,
    log: await Promise.all(all.map((_, partition) => records(rig.log, TOPICS.log, partition))),
    leaves: all.map(({ results }, partition) => results.map((each) => rig.leaf(partition, each))),
    snapshots: await Promise.all(all.map((_, partition) => snapshots(rig.log, partition))),
  }
  await rig.close()
  return recorded
}

export async function records(log: Log, topic: string, partition: number): Promise<StoredRecord[]> {
  const all: StoredRecord[] = []
  for (let from = (await log.ends(topic))[partition]?.start ?? 0; ; ) {
    const read = await log.read(topic, partition, from)
    all.push(...read.records)
    if (read.records.length === 0) return all
    from = read.next
  }
}

/**
 * By key, the newest. A manifest's hint of an offset is not compared: it differs between copies of
 * a log.
 */
export async function snapshots(log: Log, partition: number): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { key, value } of await records(log, TOPICS.snapshots, partition)) {
    const bytes = Buffer.from(value as Uint8Array)
    const same = RECORDS.manifest.matches(bytes)
      ? RECORDS.manifest.encode({ ...RECORDS.manifest.decode(bytes), offsetHint: 0 })
      : bytes
    const text = same.toString('base64')
    const before = found.get(key as string)
    if (before !== undefined && before !== text) throw new Error(`${key} was written differently`)
    found.set(key as string, text)
  }
  return found
}

/** The results and, where they are all written, the snapshots are those of the undisturbed run. */
export async function agreesWith(recorded: Recorded, rig: Rig): Promise<void> {
  for (const [partition, leaves] of recorded.leaves.entries()) {
    await until(async () => (await rig.results(partition)).length >= leaves.length)
    const results = await rig.results(partition)
    expect(results.map((result) => rig.leaf(partition, result))).toEqual(leaves)
    const expected = recorded.snapshots[partition] as ReadonlyMap<string, string>
    await until(async () => (await snapshots(rig.log, partition)).size >= expected.size)
    expect(await snapshots(rig.log, partition)).toEqual(expected)
  }
}

/**
 * The log in a fresh one, up to `to` records per partition; with claims between, at other offsets.
 */
export async function copyLog(
  recorded: Recorded,
  rig: Rig,
  to = Infinity,
  from = 0,
): Promise<void> {
  const claim = RECORDS.claim.encode({ member: 'copy', generation: 1, nonce: 'n' })
  for (const [partition, records] of recorded.log.entries()) {
    if (from === 0) await rig.log.append(TOPICS.log, partition, [{ key: null, value: claim }])
    for (const { key, value, headers } of records.slice(from, to)) {
      const record = { key, value, ...(headers && { headers }) }
      await rig.log.append(TOPICS.log, partition, [record])
    }
  }
}
