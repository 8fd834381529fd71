// The simulated log keeps the port's promises where nothing goes wrong. The suite waits and sleeps
// in real time, so the world is kept going beside it.

import { logConformance } from '../../log/conformance.ts'
import { Host } from '../world/host.ts'
import { EPOCH_MS, MS, World } from '../world/world.ts'
import { Cluster } from './cluster.ts'
import { Faults, NO_FAULTS } from './faults.ts'
import { SimLog } from './sim-log.ts'

const LIMITS = {
  sessionTimeoutMs: 10_000,
  heartbeatMs: 3_000,
  rebalanceTimeoutMs: 15_000,
  commitDelayMs: 100,
  standbyLagMax: 100,
}
/** The world's seconds in one of ours: well below what the suite waits for at most. */
const TIMES_FASTER = 10

/** Beginning now, as the suite expects of a log's clock; ends when `stop` is called. */
async function keepGoing(world: World): Promise<{ stop: () => Promise<void> }> {
  let isStopped = false
  const began = Date.now()
  await world.runUntil(() => false, (began - EPOCH_MS) * MS)
  const run = async (): Promise<void> => {
    while (!isStopped) {
      const passedMs = (Date.now() - began) * TIMES_FASTER
      await world.runUntil(() => isStopped, (began - EPOCH_MS + passedMs) * MS)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  const running = run()
  return {
    stop: async () => {
      isStopped = true
      await running
    },
  }
}

logConformance('simulated', async () => {
  const world = new World(1)
  const { stop } = await keepGoing(world)
  const cluster = new Cluster(world, LIMITS)
  const open = (): SimLog => {
    return new SimLog(cluster, new Host(world, 'host'), new Faults(world, NO_FAULTS))
  }
  let log = open()
  return {
    log,
    reopen: async () => {
      await log.close()
      log = open()
      return log
    },
    compact: async (_log, topic, index) => cluster.compact(cluster.partition(topic, index)),
    recordBytesTooMany: 1_048_577,
    dispose: async () => {
      await log.close()
      await stop()
    },
  }
})
