// Fetching Kafka: one OS process at a time, and nothing half-made under the final name.

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeKafkaCluster } from './kafka.ts'

const MINUTES = 60_000
const MODULE = new URL('kafka-install.ts', import.meta.url).href

describeKafkaCluster('an install of Kafka', () => {
  let cache: string
  beforeAll(() => {
    cache = mkdtempSync(join(tmpdir(), 'hb-cache-'))
  })
  afterAll(() => rmSync(cache, { recursive: true, force: true }))

  /** What it wrote: the folder on stdout, what it did on stderr. */
  async function install(): Promise<{ dir: string; said: string }> {
    const program = `console.log((await (await import('${MODULE}')).installKafka('4.1')).dir)`
    const run = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_CACHE_HOME: cache },
    })
    const [out, said] = await Promise.all([run.stdout.toArray(), run.stderr.toArray()])
    return { dir: Buffer.concat(out).toString().trim(), said: Buffer.concat(said).toString() }
  }

  test(
    'is made by one of two that want it at once, whole, and is there the next time',
    async () => {
      const both = await Promise.all([install(), install()])
      const made = both.filter(({ said }) => said.includes('fetching it with Maven'))
      expect(made).toHaveLength(1)
      expect(both[0]?.dir).toBe(both[1]?.dir)
      const place = join(cache, 'hollowbeam')
      expect(readdirSync(place).map((name) => join(place, name))).toEqual([both[0]?.dir])
      const parts = readdirSync(both[0]?.dir ?? '')
      expect(parts).toEqual(expect.arrayContaining(['libs', 'template', 'kafka.jsa']))
      expect(await install()).toEqual({ dir: both[0]?.dir, said: '' })
    },
    5 * MINUTES,
  )
})
