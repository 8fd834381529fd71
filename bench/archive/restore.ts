// A network's log back out of its file archive, into an empty embedded log: everything verified but
// the signatures of wallets, and then with these. Its floor reads the same files, hashes each value
// once and appends the same records to the same kind of log.

import { readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { ReadArchiveOptions } from '../../src/archive/index.ts'
import { openFileArchive, restore } from '../../src/archive/index.ts'
import { generateWallet } from '../../src/client/index.ts'
import { openEmbeddedLog } from '../../src/log/embedded/index.ts'
import type { Log, LogRecord, StoredRecord } from '../../src/log/port.ts'
import { topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { sha256 } from '../../src/std/bytes.ts'
import { createVerifierPool } from '../../src/verifier/index.ts'
import { PARTITIONS } from '../bench-node.ts'
import type { ProcessorUs } from '../processor.ts'
import { addedUs, perMessage, startProcessorTime } from '../processor.ts'
import type { BenchReport } from '../rows.ts'
import { median, row, ROUNDS, spread } from '../rows.ts'
import { archiveAll, archiveDirectory } from './archiving.ts'
import type { MadeLog } from './made-log.ts'
import { ENTRY_BYTES, openMadeLog, TOPIC } from './made-log.ts'

const NAME = 'restored'
const APPEND_BYTES = 300_000

/** What one way of doing it took, round by round. */
class Way {
  readonly #made: MadeLog
  readonly #run: (log: Log) => Promise<unknown>
  readonly #rates: number[] = []
  readonly #us: ProcessorUs[] = []

  constructor(made: MadeLog, run: (log: Log) => Promise<unknown>) {
    this.#made = made
    this.#run = run
  }

  get rate(): number {
    return median(this.#rates)
  }

  describe(): string {
    const entries = this.#made.entries * this.#us.length
    const time = perMessage(addedUs(this.#us), entries)
    return `${spread(this.#rates)} entries/s; processor time an entry: ${time}`
  }

  /** Into a log that is empty, and removed afterwards. */
  async round(): Promise<void> {
    const dir = join(this.#made.directory, 'target')
    const log = await openEmbeddedLog({ dir })
    await log.provision(topicSpecs(topicNames('hb'), PARTITIONS))
    const time = startProcessorTime()
    const begun = performance.now()
    await this.#run(log)
    this.#rates.push((this.#made.entries * 1_000) / (performance.now() - begun))
    this.#us.push(time.us())
    await log.close()
    await rm(dir, { recursive: true })
  }
}

/** Rows `archive.restore` and `archive.restore.signatures`. */
export async function benchRestore(made: MadeLog): Promise<BenchReport> {
  const { network, entries } = made
  const log = await openMadeLog(made)
  const signer = await generateWallet('rsa')
  await archiveAll({ made, log, signer, name: NAME })
  const archive = openFileArchive({ dir: archiveDirectory(made, NAME) })
  const threads = availableParallelism()
  const verifier = createVerifierPool({ threads })
  const checkItems: ReadArchiveOptions['checkItems'] = async (items) => {
    const verdicts = await verifier.verify(items.map(({ bytes }) => bytes))
    if (!verdicts.every(({ ok }) => ok)) throw new Error('a signature does not hold')
  }
  const bare = new Way(made, (target) => copyBare(made, log, target))
  const plain = new Way(made, (target) => restore({ archive, network, log: target }))
  const checked = new Way(made, (target) => restore({ archive, network, log: target, checkItems }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of [bare, plain, checked]) await way.round()
  }
  await verifier.close()
  await log.close()
  return {
    rows: [
      row('archive.restore', 'entries/s', plain.rate, bare.rate),
      row('archive.restore.signatures', 'entries/s', checked.rate, bare.rate),
    ],
    doesNotMeasure: 'an archive over a network; Kafka; evaluating the states (embedded.rebuild)',
    observed: [
      `${entries} entries of ${ENTRY_BYTES} bytes, one partition after another`,
      `all but wallets' signatures: ${plain.describe()}`,
      `these too (Ed25519, ${threads} threads): ${checked.describe()}`,
      `floor: ${bare.describe()}`,
    ],
  }
}

/** The files of the archive read, each value of the log hashed, and the records appended. */
async function copyBare(made: MadeLog, from: Log, to: Log): Promise<void> {
  const directory = archiveDirectory(made, NAME)
  for (const each of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (each.isFile()) await readFile(join(each.parentPath, each.name))
  }
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let at = 0; at < made.entries / PARTITIONS; ) {
      const read = await from.read(TOPIC, partition, at, { bytesMax: APPEND_BYTES })
      await to.append(TOPIC, partition, read.records.map(copied))
      at = read.next
    }
  }
}

function copied({ key, value, headers = {} }: StoredRecord): LogRecord {
  if (value !== null) sha256(value)
  return { key, value, headers }
}
