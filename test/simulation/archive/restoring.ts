// The end of a run with sinks: the network restored from its archive alone into empty brokers, as an
// operator would, with faults and a crash on the way; what came back must be what there was.

import { archivedNetwork, restore } from '../../../src/archive/index.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { Network } from '../../../src/protocol/genesis.ts'
import { topicNames } from '../../../src/protocol/topics.ts'
import { toBase64Url } from '../../../src/std/bytes.ts'
import { isHbError } from '../../../src/std/errors.ts'
import type { Random } from '../../../src/std/random.ts'
import type { Violation } from '../../chaos/checker/index.ts'
import { evaluateAfresh } from '../../chaos/evidence.ts'
import { Cluster } from '../broker/cluster.ts'
import type { FaultRates } from '../broker/faults.ts'
import { Faults } from '../broker/faults.ts'
import { SimLog } from '../broker/sim-log.ts'
import { Known } from '../invariants/known.ts'
import { GROUP_LIMITS } from '../network/sim-network.ts'
import { Host } from '../world/host.ts'
import type { World } from '../world/world.ts'
import { SECOND } from '../world/world.ts'
import type { ArchiveSite } from './archive-site.ts'

const LIVES_MAX = 40
const FAULTY_LIVES = 8
/** Of one attempt: far more than any takes. */
const ATTEMPT_US_MAX = 600 * SECOND
const FIRST_CALLS_MAX = 60

export type Original = {
  /** Accepted, by partition and height. */
  readonly partitions: readonly { readonly entries: readonly Entry[] }[]
  /** Final states by process, as JSON text. */
  readonly states: ReadonlyMap<string, string>
}

/** The network that it was is gone: nothing of it is written any more. */
export type Restoring = {
  readonly world: World
  readonly site: ArchiveSite
  readonly network: Network
  /** Of the brokers that it is restored to. */
  readonly rates: FaultRates
}

/** What is wrong with what comes back. */
export async function judgeRestored(from: Restoring, original: Original): Promise<Violation[]> {
  const brokers = await restored(from)
  if (!(brokers instanceof Cluster)) return [{ invariant: 'archive-restores', text: brokers }]
  const { network } = from
  const topic = brokers.topic(topicNames('hb').log)
  const logs = topic.partitions.map(({ records }) => records.filter((each) => each !== undefined))
  const known = new Known(network)
  logs.forEach((records, at) => records.forEach((record) => known.log(at, record)))
  for (const [at, { entries }] of original.partitions.entries()) {
    const back = known.partition(at).entries
    const differs = Array.from({ length: Math.max(entries.length, back.length) }, (_, height) =>
      hashOf(entries[height]) === hashOf(back[height]) ? undefined : height,
    ).find((height) => height !== undefined)
    if (differs === undefined) continue
    const counts = `${entries.length} entries became ${back.length}`
    const text = `partition ${at}: ${counts}, other ones from height ${differs} on`
    return [{ invariant: 'archive-restores-entries', partition: at, text }]
  }
  const evaluated = await evaluateAfresh(network, logs.map((log) => ({ log })))
  const states = new Map(evaluated.flatMap((each) => [...each.states]))
  const other = [...original.states].find(([id, text]) => states.get(id) !== text)
  if (other === undefined && states.size === original.states.size) return []
  const text = `the state of ${other?.[0] ?? 'a process'} is another one`
  return [{ invariant: 'archive-restores-states', text }]
}

function hashOf(entry: Entry | undefined): string {
  return entry === undefined ? '' : toBase64Url(entry.hash)
}

/** The brokers that it was restored to; or why it was not. */
async function restored({ world, site, network, rates }: Restoring): Promise<Cluster | string> {
  const random = world.random('restoring')
  const brokers = new Cluster(world, GROUP_LIMITS)
  const faults = new Faults(world, rates)
  let last = ''
  for (let life = 0; life < LIVES_MAX; life++) {
    // each goes on where the one before it stopped, and so has an end
    site.isOn = life < FAULTY_LIVES
    const host = new Host(world, `restore.${life}`)
    if (life === 0) host.crashAt = crashOf(random)
    const log = new SimLog(brokers, host, faults)
    const archive = site.open(host)
    let answer: Answer | undefined
    void archivedNetwork(archive, network.id)
      .then((found) => restore({ archive, network: found, log }))
      .then(
        () => (answer = { isDone: true }),
        (error: unknown) => (answer = { isDone: false, error }),
      )
    const isOver = (): boolean => answer !== undefined || !host.isAlive
    await world.runUntil(isOver, world.now + ATTEMPT_US_MAX)
    if (!host.isAlive) world.saw('archive: restoring was killed')
    else if (answer?.isDone === true) return brokers
    else {
      last = answer === undefined ? 'it has no end' : String(answer.error)
      if (!isHbError(answer?.error) || answer.error.kind !== 'transient') return last
    }
    host.die()
  }
  return `not within ${LIVES_MAX} attempts: ${last}`
}

type Answer = { readonly isDone: true } | { readonly isDone: false; readonly error: unknown }

function crashOf(random: Random): Host['crashAt'] {
  return { call: 1 + random.below(FIRST_CALLS_MAX), written: random.below(2) === 0 }
}
