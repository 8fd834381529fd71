// The embedded log: latency of one append at rest, throughput of large batches, and the way from
// append to member.
// Floor, in the same run: writing 300 bytes into a file that is there and one fdatasync.
// Not measured: networks, other OS processes on the disk, catching up from disk (see
// embedded.rebuild).
//
// Run: node bench/log.ts [--json]. Each row is the median of ROUNDS rounds.

import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openEmbeddedLog } from '../src/log/embedded/index.ts'
import type { Log, LogRecord } from '../src/log/port.ts'

const ROUNDS = 5
const AT_REST = 150
const VALUE_BYTES = 300
const PARTITIONS = 8
const BATCH = 500
const BATCHES = 40

export type BenchRow = {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly floor: number | null
  readonly ratio: number | null
}

/** The rows `log.*`; takes about ten seconds. */
export async function benchLog(): Promise<BenchRow[]> {
  const floors: number[] = []
  const rests: number[] = []
  const deliveries: number[] = []
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const dir = fs.mkdtempSync(join(tmpdir(), 'hb-bench-'))
    floors.push(await syncFloor(dir))
    const log = await openEmbeddedLog({ dir })
    await log.provision([{ name: 't', partitions: PARTITIONS, cleanup: 'log' }])
    await atRest(log, 20)
    rests.push(await atRest(log, AT_REST))
    deliveries.push(await toMember(log))
    rates.push(await throughput(log))
    await log.close()
    fs.rmSync(dir, { recursive: true })
  }
  const floor = median(floors)
  const rest = median(rests)
  const delivery = median(deliveries)
  return [
    row('log.append.p50', 'ms', rest, floor),
    row('log.deliver.p50', 'ms', delivery, floor),
    row('log.deliver.added', 'ms', delivery - rest, null),
    row('log.append.throughput', 'records/s', median(rates), null),
  ]
}

function row(name: string, unit: string, value: number, floor: number | null): BenchRow {
  return { name, unit, value, floor, ratio: floor === null ? null : value / floor }
}

async function syncFloor(dir: string): Promise<number> {
  const file = fs.openSync(join(dir, 'floor'), 'w')
  fs.writeSync(file, Buffer.alloc(65_536))
  fs.fsyncSync(file)
  const bytes = Buffer.alloc(VALUE_BYTES, 1)
  const times: number[] = []
  for (let i = 0; i < AT_REST; i++) {
    const start = performance.now()
    fs.writeSync(file, bytes, 0, VALUE_BYTES, (i % 200) * VALUE_BYTES)
    fs.fdatasyncSync(file)
    times.push(performance.now() - start)
    await sleep(1)
  }
  fs.closeSync(file)
  return median(times)
}

async function atRest(log: Log, count: number): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const records = batch(1)
    const start = performance.now()
    await log.append('t', 0, records)
    times.push(performance.now() - start)
    await sleep(1)
  }
  return median(times)
}

async function toMember(log: Log): Promise<number> {
  const start = (await log.ends('t'))[1]!.end
  let seen: (() => void) | undefined
  const membership = await log.join({
    group: 'bench',
    topics: ['t'],
    member: {
      assigned: async (partition) => ({ t: (await log.ends('t'))[partition]?.end ?? start }),
      records: async () => seen?.(),
      revoked: async () => {},
    },
  })
  await sleep(20)
  const times: number[] = []
  for (let i = 0; i < AT_REST; i++) {
    const records = batch(1)
    const arrived = new Promise<void>((resolve) => (seen = resolve))
    const begin = performance.now()
    void log.append('t', 1, records)
    await arrived
    times.push(performance.now() - begin)
    await sleep(1)
  }
  await membership.leave()
  return median(times)
}

async function throughput(log: Log): Promise<number> {
  const records = batch(BATCH)
  const start = performance.now()
  await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      for (let i = 0; i < BATCHES; i++) await log.append('t', partition, records)
    }),
  )
  return (PARTITIONS * BATCHES * BATCH * 1000) / (performance.now() - start)
}

function batch(count: number): LogRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    key: `process-${n % 50}`.padEnd(43, 'x'),
    value: Buffer.alloc(VALUE_BYTES, n),
  }))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? NaN
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await benchLog()
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows))
  else console.table(rows)
}
