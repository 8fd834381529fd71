// What a run of jest says and counts where there is no broker: a skip in plain sight, or, where
// Kafka is required, a failure.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { plantTree } from '../guards/planted-tree.ts'
import type { PlantedTree } from '../guards/planted-tree.ts'
import { ROOT, runProgram } from '../guards/tool.ts'

const SUITES = `
import { expect, test } from '@jest/globals'
import { describeDocker, describeKafka, describeKafkaCluster } from '${ROOT}test/support/kafka.ts'
test('no Kafka', () => expect(1).toBe(1))
describeKafka('shared', () => { test('a', () => expect(1).toBe(1)) })
describeKafkaCluster('own', () => { test('b', () => expect(1).toBe(1)) })
describeDocker('docker', () => { test('c', () => expect(1).toBe(1)) })
`
const NO_KAFKA = `
import { expect, test } from '@jest/globals'
test('no Kafka', () => expect(1).toBe(1))
`
/** No engine, no Java, no brokers. */
const NOTHING_HERE = {
  DOCKER_HOST: 'unix:///nowhere/docker.sock',
  JAVA_HOME: '/nowhere',
  KAFKA_BROKERS: '',
  HB_KAFKA_FROM: '',
  HB_REQUIRE_KAFKA: '',
}

type Outcome = { passed: number; failed: number; skipped: number; lines: string[]; output: string }

let tree: PlantedTree
beforeAll(() => {
  const config = JSON.parse(readFileSync(`${ROOT}jest.config.json`, 'utf8')) as object
  const planted = {
    ...config,
    roots: ['<rootDir>/test'],
    globalSetup: `${ROOT}test/support/global-setup.ts`,
    globalTeardown: `${ROOT}test/support/global-teardown.ts`,
  }
  tree = plantTree({
    'jest.config.json': JSON.stringify(planted),
    'package.json': '{"type":"module"}',
    'test/kafka.test.ts': SUITES,
    'test/other.test.ts': NO_KAFKA,
  })
})
afterAll(() => tree.remove())

async function runPlanted(name: string, env: Record<string, string>): Promise<Outcome> {
  const files = { report: join(tree.dir, 'report.json'), lines: join(tree.dir, 'lines') }
  const args = [`${ROOT}scripts/jest.mjs`, '--json', `--outputFile=${files.report}`, name]
  const { stdout, stderr } = await runProgram(process.execPath, args, {
    cwd: tree.dir,
    env: { ...process.env, ...NOTHING_HERE, HB_KAFKA_LINES: files.lines, ...env },
  })
  const report = JSON.parse(readFileSync(files.report, 'utf8')) as Record<string, number>
  return {
    passed: report['numPassedTests'] ?? -1,
    failed: report['numFailedTests'] ?? -1,
    skipped: report['numPendingTests'] ?? -1,
    lines: readFileSync(files.lines, 'utf8').split('\n').slice(0, -1),
    output: `${stdout}${stderr}`,
  }
}

describe('without a broker', () => {
  test('Kafka tests are skipped, and the run says so', async () => {
    const { lines, output, ...counts } = await runPlanted('kafka', {})
    expect([counts, output]).toEqual([{ passed: 1, failed: 0, skipped: 3 }, output])
    expect(lines).toEqual([
      'Kafka tests skipped: no Docker engine at DOCKER_HOST, no Java, and KAFKA_BROKERS is not set',
      'Kafka tests skipped: no Java for brokers of its own',
      "Tests of Docker were left out: the run's broker is not in it",
    ])
  })

  test('Kafka tests fail where Kafka is required', async () => {
    const { output, passed, failed } = await runPlanted('kafka', { HB_REQUIRE_KAFKA: '1' })
    expect({ passed, failed }).toEqual({ passed: 1, failed: 2 })
    expect(output).toContain('no broker: no Docker engine at DOCKER_HOST, no Java')
  })

  test('an engine that was asked for and is required is missed', async () => {
    const env = { HB_REQUIRE_KAFKA: '1', HB_KAFKA_FROM: 'docker' }
    const { output, passed, failed, skipped } = await runPlanted('kafka', env)
    expect({ passed, failed, skipped }).toEqual({ passed: 1, failed: 2, skipped: 1 })
    expect(output).toContain('no Docker engine at DOCKER_HOST (HB_KAFKA_FROM=docker)')
  })

  test('brokers that do not answer fail what needs them', async () => {
    const { output, failed } = await runPlanted('kafka', { KAFKA_BROKERS: '127.0.0.1:9' })
    expect(failed).toBe(1)
    expect(output).toContain('KAFKA_BROKERS: none of 127.0.0.1:9 answers')
  })

  test('a run without Kafka tests has nothing to say about Kafka', async () => {
    const { lines, passed, skipped } = await runPlanted('other', { HB_REQUIRE_KAFKA: '1' })
    expect({ passed, skipped, lines }).toEqual({ passed: 1, skipped: 0, lines: [] })
  })
})
