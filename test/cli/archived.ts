// What a network's log holds, in an archive in a directory.

import { ArweaveSink } from '../../connectors/arweave-sink/sink.ts'
import { openFileArchive } from '../../src/archive/index.ts'
import type { Signer } from '../../src/archive/port.ts'
import type { Log } from '../../src/log/port.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'

const TOPIC = topicNames('hb').log
const GROUP = 'connect-arweave-sink'

/** Runs the sink until it has all of the log. */
export async function archiveAll(
  network: Network,
  log: Log,
  dir: string,
  signer: Signer,
  heightsMax = 10,
): Promise<void> {
  const sink = new ArweaveSink({
    network,
    log,
    archive: openFileArchive({ dir, signer }),
    store: createMemoryStore(),
    clock: systemClock,
    limits: { heightsMax, flushDelayMsMax: 20, pollDelayMs: 5 },
  })
  await sink.start()
  for (let tried = 0; ; tried++) {
    const ends = await log.ends(TOPIC)
    const committed = await log.committed(GROUP, TOPIC)
    if (ends.every(({ end }, at) => committed[at] === end)) break
    if (tried > 1_000) throw new Error('not archived')
    await systemClock.sleep(10)
  }
  await sink.stop()
}
