// A group's position that was moved forwards over what was not handled: refused, with the way back.
// One that is merely newer than what this node has locally, or beyond refusals, is not.

import { afterEach, expect, test } from '@jest/globals'
import { passing } from '../../src/log/passing/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { HbError } from '../../src/std/errors.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'
import { until } from '../node/fleet.ts'
import { Rig, rigNetwork, TOPICS } from '../node/rig.ts'

const network = rigNetwork(['counter'], { partitions: 1 })
let rig: Rig
afterEach(() => rig.close())

/** The rig's log, but that groups are told another position than they committed. */
function movedTo(position: (committed: number | undefined) => number | undefined): Log {
  const { log } = rig
  return {
    ...passing(log),
    join: (options) => {
      const { member } = options
      const assigned: typeof member.assigned = (partition, committed) =>
        member.assigned(partition, {
          [TOPICS.ingress]: position(committed[TOPICS.ingress]),
        })
      return log.join({
        ...options,
        member: {
          assigned,
          records: (batch) => member.records(batch),
          revoked: (partition) => member.revoked(partition),
          halted: (partition, error) => member.halted?.(partition, error),
        },
      })
    },
  }
}

/** Different ones for each name: the same bytes are the same message. */
const items = (count: number, name = 'first'): Buffer[] =>
  Array.from({ length: count }, (_, n) => rig.item(rig.id('counter-0'), { name, n }))

async function end(): Promise<number> {
  return (await rig.log.ends(TOPICS.ingress))[0]?.end ?? 0
}

async function outcome(running: Awaited<ReturnType<Rig['sequencer']>>): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 60))
  const [halted] = running.halted
  return halted === undefined ? 'runs' : (halted.error as HbError).code
}

test.each([1, 3, 700, 1_200])('over %d messages: halted, and the text says how to go back', async (count) => {
  rig = await Rig.open(network)
  const first = await rig.sequencer()
  await rig.send(...items(4))
  await until(() => first.service.height(0) === 4)
  await first.stop()
  const handled = await end()
  await rig.send(...items(count, 'later'))
  const beyond = await end()
  // a fresh disk sees it as well
  for (const store of [createMemoryStore(), createMemoryStore()]) {
    const moved = await rig.sequencer({ log: movedTo(() => beyond), store })
    await until(() => moved.halted.length > 0)
    const error = moved.halted[0]?.error as HbError
    expect(error.code).toBe('position-skips')
    expect(error.detail).toContain(`stands at ${beyond}`)
    expect(error.detail).toContain(`--reset-offsets --to-offset ${handled} --execute`)
    await moved.stop()
  }
  // back there, all of it gets its place, once
  const again = await rig.sequencer({ log: movedTo(() => handled) })
  await rig.dre()
  await rig.quiet(30_000)
  expect(again.halted).toEqual([])
  await rig.check()
}, 60_000)

test('what was handled is no alarm: placed, refused, expired, repeated, trimmed, or unknown', async () => {
  rig = await Rig.open(network)
  const first = await rig.sequencer()
  const [known] = items(1) as [Buffer]
  await rig.send(known, ...items(3))
  const expired = rig.item(rig.id('counter-0'), '', [{ name: 'HB-Expires', value: '1' }])
  await rig.send(expired)
  rig.sent.pop()
  const junk = { key: rig.id('counter-0'), value: Buffer.from('junk') }
  await rig.log.append(TOPICS.ingress, 0, [junk, { key: null, value: null }])
  await rig.send(known)
  rig.sent.pop()
  const committed = () => rig.log.committed('hb.sequencer', TOPICS.ingress)
  await until(async () => (await committed())[0] === (await end()))
  await first.stop()
  const all = await end()
  // its own commit; none; the earliest; somewhere within; with a fresh disk each
  for (const at of [all, undefined, 0, 5]) {
    const running = await rig.sequencer({ log: movedTo(() => at) })
    expect([at, await outcome(running)]).toEqual([at, 'runs'])
    await running.stop()
  }
  await rig.log.trim(TOPICS.ingress, 0, all)
  const trimmed = await rig.sequencer({ log: movedTo(() => all) })
  expect(await outcome(trimmed)).toBe('runs')
})
