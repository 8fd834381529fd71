// A log of processes that give themselves modules at random, in walks that run into each other.

import type { Message } from '../../src/protocol/message.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import type { Random } from '../../src/std/random.ts'
import { seededRandom } from '../../src/std/random.ts'
import type { Step } from '../node/contracts.ts'
import { Rig, rigNetwork } from '../node/rig.ts'
import type { Recorded } from './recorded.ts'
import { INTERVAL, takeDown } from './recorded.ts'

export const PARTITIONS = 2
const VERSIONS = ['shift-a', 'shift-b', 'shift-c', 'shift-d']
export const SOURCES = [...VERSIONS, 'shift-bad', 'no-such-contract']
export const hashOf = (source: string): string => toBase64Url(sha256(Buffer.from(source)))

function stepsOf(random: Random, others: readonly string[], count: number): Step[] {
  return Array.from({ length: count }, (): Step => {
    const source = SOURCES[random.below(SOURCES.length)] as string
    const kind = random.below(10)
    if (kind < 4) return { to: source }
    if (kind < 7) return { hash: hashOf(source) }
    if (kind < 8) return { foreign: others[random.below(others.length)] as string }
    return kind < 9 ? { fail: 'on purpose' } : { nothing: true }
  })
}

/** Four processes; `check` is asked before the network is taken down. */
export async function recordUpgrades(
  seed: number,
  check: (rig: Rig) => Promise<void> = async () => undefined,
): Promise<Recorded> {
  const options = { intervalLength: INTERVAL, partitions: PARTITIONS }
  const rig = await Rig.open(rigNetwork(['shift-a', 'shift-b'], options))
  await rig.sequencer()
  await rig.dre()
  await rig.relayer()
  const random = seededRandom(seed)
  const names = ['shift-a', 'shift-b'].flatMap((name) => [`${name}-0`, `${name}-1`])
  const ids = names.map((name) => rig.id(name))
  const stillborn = rig.spawn('stillborn')
  const tag = { name: 'HB-Upgrade', value: 'Module' }
  // in one batch with the spawn that fails: the code of its error must not show that
  const late = rig.item(signedMessage(rig.network, stillborn).id, { source: 'shift-a' }, [tag])
  const items = ids.map((id) => rig.item(id, { steps: stepsOf(random, ids, 9) }))
  await rig.send(stillborn, late, ...items)
  await rig.quiet()
  await rig.send(...ids.map((id) => rig.item(id, { steps: stepsOf(random, ids, 5) })))
  await rig.quiet()
  await rig.check()
  await check(rig)
  return takeDown(rig)
}

export const isUpgrade = ({ tags }: Message): boolean =>
  tags.some(({ name }) => name === 'HB-Upgrade')
