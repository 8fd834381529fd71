// Chaos in one OS process: nodes on one memory log, killed, stopped and bereft of their disks under
// load. All parts of the long test but Kafka and its OS processes.

import { expect, test } from '@jest/globals'
import { generateWallet } from '../../src/client/index.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import { seededRandom } from '../../src/std/random.ts'
import { chaosNetwork } from './chaos-network.ts'
import { check } from './checker/index.ts'
import { evaluateAfresh } from './evidence.ts'
import { Faults } from './faults.ts'
import { finalStates } from './final-states.ts'
import { InProcessNode } from './in-process-node.ts'
import { Load } from './load.ts'
import { untilComplete } from './quiet.ts'
import { Recorder } from './recorder.ts'
import { scheduleOf } from './schedule.ts'

const ACKNOWLEDGED_MIN = 60

test('three nodes that die, stop and lose their disks under load break nothing', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  const random = seededRandom(seed)
  const wallets = await Promise.all(Array.from({ length: 8 }, () => generateWallet('ed25519')))
  const addresses = wallets.map(({ address }) => address)
  const options = { partitions: 4, pairs: 4, addresses, intervalLength: 64 }
  const chaos = await chaosNetwork(options)
  const log = createMemoryLog({ drainTimeoutMs: 50 })
  const nodes = [0, 1, 2].map((n) => new InProcessNode(`node-${n}`, chaos.network, log))
  for (const node of nodes) await node.start()
  const clients = (): NonNullable<InProcessNode['client']>[] =>
    nodes.flatMap(({ client }) => client ?? [])
  const recorder = new Recorder()
  const load = new Load({ chaos, wallets, random, recorder, clients, messagesPerSecond: 60 })
  const faults = new Faults({ targets: nodes, say: () => undefined })
  const schedule = scheduleOf({
    random,
    targets: nodes,
    durationMs: 3_500,
    everyMs: 250,
    memberKinds: ['kill', 'lose', 'stop'],
    brokerKinds: [],
    awayMsMax: 100,
  })
  load.start()
  await faults.run(schedule)
  // however slow the machine is, enough was sent to mean something
  while (recorder.acknowledgedCount <= ACKNOWLEDGED_MIN) await systemClock.sleep(20)
  await load.stop()
  const { topics, missing } = await untilComplete(log, chaos.network, {
    stillMs: 300,
    timeoutMs: 60_000,
  })
  expect(missing).toEqual([])
  const tokens = await finalStates({ chaos, clients: clients(), recorder })
  for (const node of nodes) await node.stop()
  const evaluated = await evaluateAfresh(chaos.network, topics.partitions)
  await log.close()
  const { network } = chaos
  const history = { network, ...topics, clients: recorder.history(), evaluated, tokens }
  const { violations, figures } = check(history)
  expect({ seed, violations, problems: faults.problems }).toEqual({
    seed,
    violations: [],
    problems: [],
  })
  expect(nodes.flatMap(({ halts }) => halts)).toEqual([])
  expect(figures.acknowledged).toBeGreaterThan(ACKNOWLEDGED_MIN)
  expect(figures.placed + figures.refused).toBe(figures.acknowledged)
  expect(faults.events.filter(({ what }) => what === 'back').length).toBeGreaterThan(5)
}, 180_000)
