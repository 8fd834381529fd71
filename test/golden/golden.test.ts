// Every golden log, whatever version recorded it, must evaluate to the hashes that were recorded
// with it.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { rebuild } from '../../src/dre/index.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { openEvaluator } from '../../src/node/index.ts'
import type { Genesis } from '../../src/protocol/genesis.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import { merkleRoot } from '../../src/protocol/merkle.ts'
import { resultLeaf } from '../../src/protocol/result.ts'
import { toBase64Url } from '../../src/std/bytes.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'

type Expected = {
  readonly partition: number
  readonly entries: number
  readonly superseded: number
  readonly resultsRoot: string
  readonly processes: Readonly<Record<string, readonly [number, string]>>
}

const here = new URL('./', import.meta.url)
const versions = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)

function read<T>(version: string, file: string): T {
  return JSON.parse(readFileSync(new URL(`${version}/${file}`, here), 'utf8')) as T
}

test('there is a golden log', () => {
  expect(versions).toContain('0.1')
})

describe.each(versions)('golden log of version %s', (version) => {
  const network = openNetwork(read<Genesis>(version, 'genesis.json'))

  // other offsets than it was recorded at: nothing that is hashed may depend on them
  test.each([0, 7])('evaluates to what was recorded, %i records further on', async (shift) => {
    const log = createMemoryLog()
    await log.provision([
      { name: 'hb.log', partitions: network.genesis.partitions, cleanup: 'log' },
    ])
    const evaluator = await openEvaluator(network, 0)
    for (const expected of read<Expected[]>(version, 'expected.json')) {
      const { partition } = expected
      for (let at = 0; at < shift; at++) {
        await log.append('hb.log', partition, [{ key: null, value: Buffer.from('padding') }])
      }
      const lines = readFileSync(new URL(`${version}/log-${partition}.jsonl`, here), 'utf8').trim()
      const records = lines.split('\n').map((line) => {
        const [key, value] = JSON.parse(line) as [string | null, string]
        return { key, value: Buffer.from(value, 'base64') }
      })
      for (const record of records) await log.append('hb.log', partition, [record])
      const leaves: Buffer[] = []
      const part = await rebuild({
        network,
        log,
        partition,
        evaluator,
        store: createMemoryStore(),
        onResult: ({ result }) => leaves.push(resultLeaf(network.id, partition, result)),
      })
      expect(part.entries).toBe(expected.entries)
      expect(part.superseded).toBe(expected.superseded + shift)
      const processes = part.processes.map(({ process, slot, stateHash }) => [
        process,
        [slot, toBase64Url(stateHash)],
      ])
      expect(Object.fromEntries(processes)).toEqual(expected.processes)
      expect(toBase64Url(merkleRoot(leaves))).toBe(expected.resultsRoot)
    }
    await evaluator.close()
    await log.close()
  })
})
