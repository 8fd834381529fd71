// What was lost on its way to ingress is sent again (L3), beside a sequencer and a DRE that run.

import { afterEach, describe, expect, test } from '@jest/globals'
import { passing } from '../../src/log/passing/index.ts'
import { asBuffer } from '../../src/std/bytes.ts'
import { HbError } from '../../src/std/errors.ts'
import { Rig, rigNetwork, RECORDS, TOPICS } from '../node/rig.ts'

const network = rigNetwork(['walk'], { partitions: 3 })

describe('the relayer sends again', () => {
  let rig: Rig
  afterEach(() => rig.close())

  test('a record that ingress lost is sent again when its channel stands still', async () => {
    let drop = 2
    let faults = 1
    rig = await Rig.open(network, (log) => ({
      ...passing(log),
      // one fault of the log must not end the watch over the channels
      ends: async (topic) => {
        if (topic === TOPICS.registry && faults-- > 0) throw new HbError('log-append-refused', 'x')
        return log.ends(topic)
      },
      // acknowledged and gone: what only a disaster does, and what L3 heals
      append: async (topic, partition, records) => {
        if (topic !== TOPICS.ingress || partition !== 1 || drop === 0 || records.length > 3) {
          return log.append(topic, partition, records)
        }
        drop -= 1
        return 0
      },
    }))
    const to = [rig.id('walk-1')]
    await rig.sequencer()
    await rig.dre()
    const { service } = await rig.relayer({ limits: { appendRecordsMax: 1 } })
    await rig.send(rig.item(rig.id('walk-0'), { left: 5, fan: 1, to }))
    await rig.quiet()
    await rig.check()
    expect(drop).toBe(0)
    expect(service.figures.resent).toBeGreaterThan(0)
  })

  test('what was lost before a restart is sent again, with nothing new to send', async () => {
    let lost = 0
    rig = await Rig.open(network, (log) => ({
      ...passing(log),
      // acknowledged and gone: the next ones of its channel are a gap, which the sequencer drops
      append: async (topic, partition, records) => {
        const [record] = records
        const wire =
          topic === TOPICS.ingress && record?.value
            ? RECORDS.decodeIngress(asBuffer(record.value))
            : undefined
        if (wire?.type === 'relayed' && wire.relayed.seq === 3 && lost === 0) {
          lost += 1
          return 0
        }
        return log.append(topic, partition, records)
      },
    }))
    const to = [rig.id('walk-1')]
    const sequencer = await rig.sequencer()
    await rig.dre()
    const limits = { appendRecordsMax: 1, stallMs: 60_000 }
    const first = await rig.relayer({ limits })
    for (let n = 0; n < 6; n++) await rig.send(rig.item(rig.id('walk-0'), { left: 1, to, n }))
    const deadline = Date.now() + 4_000
    while (sequencer.service.figures.gaps < 3 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    await first.stop()
    expect(lost).toBe(1)
    const { view } = await rig.chain(1)
    expect(view.counters[0]).toBe(2)
    expect((await rig.log.committed('hb.relayer', TOPICS.outbox))[0]).toBeGreaterThan(0)
    const second = await rig.relayer()
    await rig.quiet()
    await rig.check()
    expect(second.service.figures.resent).toBe(4)
    expect([...first.halted, ...second.halted]).toEqual([])
    // what stands at its end is not sent again
    await second.stop()
    const third = await rig.relayer({ limits: { stallMs: 10 } })
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(third.service.figures).toMatchObject({ resent: 0, relayed: 0 })
  })
})
