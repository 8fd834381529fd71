// The sink on the file archive: a log of entries of 600 bytes that waits, archived from its first
// entry to its last, all partitions at once. Its floor reads the same log, hashes each value once
// and writes them into as many files, each synced.

import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { SEGMENT_LIMITS } from '../../src/archive/index.ts'
import { generateWallet } from '../../src/client/index.ts'
import type { Log } from '../../src/log/port.ts'
import { sha256 } from '../../src/std/bytes.ts'
import { PARTITIONS } from '../bench-node.ts'
import type { ProcessorUs } from '../processor.ts'
import { addedUs, perMessage, startProcessorTime } from '../processor.ts'
import type { BenchReport } from '../rows.ts'
import { median, row, ROUNDS, spread } from '../rows.ts'
import { archiveAll } from './archiving.ts'
import type { MadeLog } from './made-log.ts'
import { ENTRY_BYTES, openMadeLog, TOPIC } from './made-log.ts'

/** Row `archive.sink.file`. */
export async function benchSink(made: MadeLog): Promise<BenchReport> {
  const signer = await generateWallet('rsa')
  const log = await openMadeLog(made)
  const { entries } = made
  const [values, floors]: [number[], number[]] = [[], []]
  const [us, floorUs]: [ProcessorUs[], ProcessorUs[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    const bare = startProcessorTime()
    floors.push((entries * 1_000) / (await writeBare(made, log)))
    floorUs.push(bare.us())
    const time = startProcessorTime()
    const ms = await archiveAll({ made, log, signer, name: `round-${round}` })
    values.push((entries * 1_000) / ms)
    us.push(time.us())
  }
  await log.close()
  return {
    rows: [row('archive.sink.file', 'entries/s', median(values), median(floors))],
    doesNotMeasure: 'a network to the archive; Kafka; a node that uses the same cores meanwhile',
    observed: [
      `${entries} entries of ${ENTRY_BYTES} bytes in ${PARTITIONS} partitions: ` +
        `${spread(values)} entries/s; floor ${spread(floors)}`,
      `processor time an entry: ${perMessage(addedUs(us), entries * ROUNDS)}; ` +
        `floor ${perMessage(addedUs(floorUs), entries * ROUNDS)}`,
    ],
  }
}

async function writeBare({ directory, entries }: MadeLog, log: Log): Promise<number> {
  const begun = performance.now()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    let values: Uint8Array[] = []
    for (let at = 0; at < entries / PARTITIONS; ) {
      const read = await log.read(TOPIC, partition, at)
      for (const { value } of read.records) {
        if (value === null) continue
        values.push(sha256(value), value)
        if (values.length < 2 * SEGMENT_LIMITS.heightsMax) continue
        await writeSynced(join(directory, `bare-${partition}-${at}`), Buffer.concat(values))
        values = []
      }
      at = read.next
    }
  }
  return performance.now() - begun
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  await file.writeFile(bytes)
  await file.sync()
  await file.close()
}
