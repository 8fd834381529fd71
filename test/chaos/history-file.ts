// A history in a folder, so that what a failing seed left behind can be judged again: one file for
// each topic partition, a JSON array a record; one for what clients saw; the genesis.
// Invariant: read(write(history)) judges as the history does; the evaluation is made afresh.

import { createReadStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { StoredRecord } from '../../src/log/port.ts'
import type { Genesis } from '../../src/protocol/genesis.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import type { ClientHistory, History, PartitionRecords } from './checker/index.ts'

export type KeptHistory = Omit<History, 'evaluated'>

/** [offset, timestamp, key, value in base64, headers] */
type Row = [number, number, string | null, string | null, Record<string, string>?]

const TOPICS = ['log', 'ingress', 'outbox'] as const
const CHUNK_ROWS = 5_000

export async function writeHistory(dir: string, history: KeptHistory): Promise<void> {
  const { network, partitions, deadletters, clients, tokens } = history
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'genesis.json'), JSON.stringify(network.genesis))
  for (const [partition, records] of partitions.entries()) {
    for (const topic of TOPICS) await writeRecords(dir, `${topic}-${partition}`, records[topic])
  }
  await writeRecords(dir, 'deadletters', deadletters)
  const submissions = clients.submissions.map((each) => {
    return { ...each, item: Buffer.from(each.item).toString('base64') }
  })
  await writeFile(join(dir, 'clients.json'), JSON.stringify({ ...clients, submissions }))
  await writeFile(join(dir, 'tokens.json'), JSON.stringify([...tokens]))
}

async function writeRecords(
  dir: string,
  name: string,
  records: readonly StoredRecord[],
): Promise<void> {
  const file = join(dir, `${name}.jsonl`)
  await writeFile(file, '')
  for (let at = 0; at < records.length; at += CHUNK_ROWS) {
    const rows = records.slice(at, at + CHUNK_ROWS).map((record) => {
      const { offset, timestamp, key, value, headers } = record
      const row: Row = [offset, timestamp, key, value && Buffer.from(value).toString('base64')]
      return `${JSON.stringify(headers === undefined ? row : [...row, headers])}\n`
    })
    await writeFile(file, rows.join(''), { flag: 'a' })
  }
}

export async function readHistory(dir: string): Promise<KeptHistory> {
  const json = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(dir, name), 'utf8'))
  const network = openNetwork((await json('genesis.json')) as Genesis)
  const partitions: PartitionRecords[] = []
  for (let partition = 0; partition < network.genesis.partitions; partition++) {
    const read = (topic: string): Promise<StoredRecord[]> => {
      return readRecords(dir, `${topic}-${partition}`)
    }
    const [log, ingress, outbox] = [await read('log'), await read('ingress'), await read('outbox')]
    partitions.push({ log, ingress, outbox })
  }
  const deadletters = await readRecords(dir, 'deadletters')
  const saved = (await json('clients.json')) as ClientHistory
  const submissions = saved.submissions.map((each) => {
    return { ...each, item: Buffer.from(each.item as unknown as string, 'base64') }
  })
  const tokens = new Map((await json('tokens.json')) as [string, string][])
  return { network, partitions, deadletters, clients: { ...saved, submissions }, tokens }
}

async function readRecords(dir: string, name: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  const input = createReadStream(join(dir, `${name}.jsonl`))
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const [offset, timestamp, key, text, headers] = JSON.parse(line) as Row
    const value = text === null ? null : Buffer.from(text, 'base64')
    const record = { offset, timestamp, key, value }
    records.push(headers === undefined ? record : { ...record, headers })
  }
  return records
}
