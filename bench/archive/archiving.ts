// A made log into a file archive, by the sink: until its last entry is durable there.

import { join } from 'node:path'
import { ArweaveSink } from '../../connectors/arweave-sink/sink.ts'
import type { Signer } from '../../src/archive/index.ts'
import { openFileArchive } from '../../src/archive/index.ts'
import type { Log } from '../../src/log/port.ts'
import { systemClock } from '../../src/std/clock.ts'
import { openLmdbStore } from '../../src/store/lmdb/index.ts'
import { PARTITIONS } from '../bench-node.ts'
import type { MadeLog } from './made-log.ts'

export type Archiving = {
  readonly made: Omit<MadeLog, 'remove'>
  readonly log: Log
  readonly signer: Signer
  /** Below the made log's directory; of the group too, so that each begins at the first entry. */
  readonly name: string
}

export function archiveDirectory({ directory }: Pick<MadeLog, 'directory'>, name: string): string {
  return join(directory, name)
}

/** Resolves with the ms from the start of the sink until all is durable. */
export async function archiveAll({ made, log, signer, name }: Archiving): Promise<number> {
  const store = await openLmdbStore({ dir: join(made.directory, `${name}-store`), durable: true })
  const last = made.entries / PARTITIONS - 1
  const done = Promise.withResolvers<void>()
  let left = PARTITIONS
  const sink = new ArweaveSink({
    network: made.network,
    log,
    archive: openFileArchive({ dir: archiveDirectory(made, name), signer }),
    store,
    clock: systemClock,
    name,
    onArchived: (_partition, _from, to) => {
      if (to === last && --left === 0) done.resolve()
    },
    onFailed: (_, error) => done.reject(error),
  })
  const begun = performance.now()
  await sink.start()
  await done.promise
  const ms = performance.now() - begun
  await sink.stop()
  await store.close()
  return ms
}
