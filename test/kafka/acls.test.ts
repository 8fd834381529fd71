// A broker that lets nobody do what was not granted: each role works with only its own ACLs, as
// `hb acls print` prints them, and a write to the log by any other is refused.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import { openKafkaLog } from '../../src/log/kafka/index.ts'
import { GRANTEES, grantsOf } from '../../src/cli/access.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { hb, running } from '../cli/terminal-double.ts'
import { withAdmin } from '../log/kafka/admin.ts'
import { until } from '../node/fleet.ts'
import { describeKafkaCluster, startKafkaCluster } from '../support/kafka.ts'
import type { KafkaCluster } from '../support/kafka.ts'

const PASSWORD = 'only-for-tests'
const USERS = ['ops', 'sequencer', 'dre', 'relayer', 'stranger']
const APPLICATION = 'acl-test'
const CONTRACT = `
export const handle = (state: { n?: number }, action: { tags: Record<string, string> }) => {
  state.n = (state.n ?? 0) + 1
  const to = action.tags['To']
  return to === undefined ? {} : { messages: [{ target: to, tags: { Action: 'Tick' } }] }
}`

const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
const users = USERS.map((name) => `user_${name}="${PASSWORD}"`).join(' ')
const PROPERTIES = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  // brokers and controllers speak to one another on the open listener
  'super.users': 'User:ANONYMOUS',
  'listener.name.sasl_plaintext.sasl.enabled.mechanisms': 'PLAIN',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${login} ${users};`,
}

describeKafkaCluster('a broker with an authorizer', () => {
  let kafka: KafkaCluster
  let folder: string
  const stops: AbortController[] = []
  const ends: Promise<unknown>[] = []
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hb-acls-'))
    const listeners = ['SASL_PLAINTEXT'] as const
    kafka = await startKafkaCluster({ brokers: 1, listeners, properties: PROPERTIES })
  }, 120_000)
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop.abort()
    await Promise.all(ends.splice(0))
  })
  afterAll(async () => {
    await kafka?.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** What is printed is what is granted: each command line is taken at its word. */
  async function grant(user: string, role: string): Promise<void> {
    const args = ['acls', 'print', '--role', role, '--principal', `User:${user}`]
    const { code, out } = await hb([...args, '--application-id', APPLICATION])
    expect(code).toBe(0)
    const { AclOperationTypes, AclPermissionTypes } = kafkajs
    const acl = out.flatMap((line) => {
      const words = line.split(' ')
      const after = (name: string): string[] =>
        words.flatMap((word, at) => (word === name ? [words[at + 1] as string] : []))
      const isTopic = words.includes('--topic')
      const [resourceName] = after(isTopic ? '--topic' : '--group')
      const { TOPIC, GROUP } = kafkajs.AclResourceTypes
      return after('--operation').map((operation) => {
        const name = operation.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
        const type = AclOperationTypes[name as keyof typeof AclOperationTypes]
        if (type === undefined) throw new Error(`no operation ${operation}`)
        return {
          resourceType: isTopic ? TOPIC : GROUP,
          resourceName: resourceName as string,
          resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
          principal: after('--allow-principal')[0] as string,
          host: '*',
          operation: type,
          permissionType: AclPermissionTypes.ALLOW,
        }
      })
    })
    await withAdmin(kafka.bootstrapServers, (admin) => admin.createAcls({ acl }))
  }

  async function brokersAs(user: string): Promise<string[]> {
    const file = join(folder, `${user}.properties`)
    const lines = [
      'security.protocol=SASL_PLAINTEXT',
      'sasl.mechanism=PLAIN',
      `sasl.username=${user}`,
      `sasl.password=${PASSWORD}`,
    ]
    await writeFile(file, lines.join('\n'))
    const servers = ['--bootstrap-server', kafka.serversOf('SASL_PLAINTEXT')]
    return [...servers, '--command-config', file, '--application-id', APPLICATION]
  }

  async function start(user: string, roles: string) {
    const stop = new AbortController()
    stops.push(stop)
    const data = ['--data', join(folder, `${user}-${randomUUID()}`), '--port', '0', '--json']
    const args = ['start', ...(await brokersAs(user)), ...data, '--roles', roles]
    const node = running(args, { signal: stop.signal })
    ends.push(node.done)
    await Promise.race([until(() => node.out.length > 0), node.done])
    if (node.out.length === 0) throw new Error(node.err.join('\n'))
    const { url } = JSON.parse(node.out[0] as string) as { url: string }
    return { ...node, url, stop: () => (stop.abort(), node.done) }
  }

  const lastLine = (lines: readonly string[]) =>
    JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>

  test('each role works with only its own', async () => {
    await grant('ops', 'admin')
    const made = await hb(['topics', 'create', ...(await brokersAs('ops')), '--partitions', '2'])
    expect([made.code, made.err.join('\n')]).toEqual([0, expect.anything()])
    for (const role of ['sequencer', 'dre', 'relayer']) {
      await grant(role, role === 'sequencer' ? 'sequencer,door' : role)
    }
    const nodes = [
      await start('sequencer', 'sequencer'),
      await start('dre', 'dre'),
      await start('relayer', 'relayer'),
    ]
    const [door] = nodes
    const wallet = join(folder, 'me.json')
    await hb(['keys', 'generate', '--out', wallet])
    const contract = join(folder, 'ticker.ts')
    await writeFile(contract, CONTRACT)
    const ask = async (...args: string[]) => {
      const asked = await hb([...args, '--url', (door as { url: string }).url, '--json'], {
        HB_WALLET: wallet,
      })
      expect([asked.code, asked.out.length > 0 && lastLine(asked.out)]).toMatchObject([0, {}])
      return lastLine(asked.out)
    }
    // of both partitions, so that a message of a process goes from one to the other
    const ids = new Set<string>()
    for (let n = 0; n < 4; n++) ids.add((await ask('spawn', contract))['process'] as string)
    const [one = '', ...others] = ids
    for (const other of others) await ask('send', one, '--action', 'Go', '--tag', `To=${other}`)
    await until(async () => {
      const states = await Promise.all(others.map((each) => ask('state', each)))
      return states.every(({ state }) => (state as { n: number }).n === 2)
    })
    for (const node of nodes) expect(node.err.join('\n')).not.toMatch(/not-authorized|halted/)
  }, 180_000)

  test.each(['stranger', 'dre', 'relayer'])('%s may not write to the log', async (user) => {
    await grant('dre', 'dre')
    await grant('relayer', 'relayer')
    const log = await openKafkaLog({
      bootstrapServers: kafka.serversOf('SASL_PLAINTEXT'),
      security: { sasl: { mechanism: 'plain', username: user, password: PASSWORD } },
      onWarning: () => undefined,
    })
    const record = { key: 'k', value: Buffer.from('v') }
    await expect(log.append(`${APPLICATION}.log`, 0, [record])).rejects.toMatchObject({
      code: 'log-not-authorized',
    })
    await log.close()
  }, 60_000)
})

test('every part has some, and none more than another part needs for the same', () => {
  for (const each of GRANTEES) {
    const grants = grantsOf([each], 'x', topicNames('x'))
    expect(grants.length).toBeGreaterThan(0)
    for (const { name, operations } of grants) {
      expect(name).toMatch(/^(x[.]|connect-x-)/)
      expect(new Set(operations).size).toBe(operations.length)
    }
    const writers = grants.filter(({ operations }) => operations.includes('Write'))
    expect(writers.some(({ name }) => name === 'x.log')).toBe(each === 'sequencer')
  }
})

test('principals and roles that are none are refused', async () => {
  const print = (role: string, principal: string) =>
    hb(['acls', 'print', '--role', role, '--principal', principal])
  expect(await print('king', 'User:a')).toMatchObject({ code: 2, out: [] })
  expect(await print('dre', 'alice')).toMatchObject({ code: 2, out: [] })
  const { out } = await print('reader', "User:CN=it's")
  expect(out).toEqual([
    `kafka-acls --bootstrap-server localhost:9092 --add --allow-principal 'User:CN=it'\\''s' ` +
      '--operation Read --topic hb.log',
  ])
})
