// Commands on brokers, which here are a memory log that outlives each opening: what is written by
// one command is there for the next.

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { OpenBrokers } from '../../src/cli/context.ts'
import type { KafkaOptions } from '../../src/log/kafka/index.ts'
import type { Log } from '../../src/log/port.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { HbError } from '../../src/std/errors.ts'
import { until } from '../node/fleet.ts'
import { passing } from '../../src/log/passing/index.ts'
import { hb, running } from './terminal-double.ts'

const BROKERS = ['--bootstrap-server', 'kafka:9092']

let folder: string
let wallet: string
let log: Log
let opened: KafkaOptions[]
let open: number
const stops: AbortController[] = []
const ended: Promise<unknown>[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-brokers-'))
  wallet = join(folder, 'me.json')
  await hb(['keys', 'generate', '--out', wallet])
})
afterAll(() => rm(folder, { recursive: true }))

beforeEach(() => {
  log = createMemoryLog({ drainTimeoutMs: 1_000 })
  opened = []
  open = 0
})
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort()
  await Promise.all(ended.splice(0))
  // whatever was opened was closed, also where a command failed
  expect(open).toBe(0)
  await log.close()
})

const openBrokers: OpenBrokers = async (options) => {
  opened.push(options)
  open += 1
  let closed = false
  const close = async (): Promise<void> => {
    if (!closed) open -= 1
    closed = true
  }
  return { ...passing(log), describe: () => `Kafka cluster at ${options.bootstrapServers}`, close }
}

function run(args: readonly string[], via = openBrokers) {
  return hb(args, { HB_WALLET: wallet }, undefined, via)
}

/** `hb start` on the brokers, up; it ends with the test. */
async function started(name: string, args: readonly string[] = [], via = openBrokers) {
  const stop = new AbortController()
  stops.push(stop)
  const data = join(folder, `${name}-${stops.length}-${Math.floor(performance.now())}`)
  const all = ['start', ...BROKERS, '--data', data, '--port', '0', '--json', ...args]
  const node = running(all, { signal: stop.signal, openBrokers: via })
  ended.push(node.done)
  const failed = node.done.then(({ err }) => {
    if (node.out.length === 0) throw new Error(err.join('\n'))
  })
  failed.catch(() => undefined)
  await Promise.race([until(() => node.out.length > 0), failed])
  const shown = JSON.parse(node.out[0] as string) as Started
  return { ...node, ...shown, data, stop: () => (stop.abort(), node.done) }
}

type Started = {
  readonly url: string
  readonly address: string
  readonly network: string
  readonly roles: readonly string[]
}

function json(lines: readonly string[]): Record<string, unknown> {
  return JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>
}

describe('hb start on brokers', () => {
  test('nodes with some roles each are one network, which every command finds by the brokers', async () => {
    const one = await started('one', ['--roles', 'sequencer,relayer', '--partitions', '3'])
    const two = await started('two', ['--roles', 'dre', '--standby', '1'])
    expect([one.roles, two.roles]).toEqual([['sequencer', 'relayer'], ['dre']])
    expect(two.network).toBe(one.network)
    expect(await readFile(join(two.data, 'genesis.json'), 'utf8')).toBe(
      await readFile(join(one.data, 'genesis.json'), 'utf8'),
    )
    // caches of what it needs, and no log
    expect((await readdir(one.data)).sort()).toEqual(['genesis.json', 'index'])
    expect((await readdir(two.data)).sort()).toEqual(['genesis.json', 'states'])

    const contract = join(folder, 'counter.ts')
    await writeFile(
      contract,
      'export function handle(state: { n?: number }) { state.n = (state.n ?? 0) + 1; return {} }',
    )
    const spawned = json((await run(['spawn', contract, ...BROKERS, '--json'])).out)
    const id = spawned['process'] as string
    const sent = await run(['send', id, ...BROKERS, '--json'])
    expect([sent.code, json(sent.out)]).toMatchObject([0, { receipt: {}, result: { slot: 1 } }])
    for (const url of [one.url, two.url]) {
      const state = await hb(['state', id, '--raw', '--url', url as string])
      expect(state.out).toEqual(['{"n":2}'])
    }
    const message = json(sent.out)['id'] as string
    const result = await run(['result', message, ...BROKERS, '--json'])
    expect([result.code, json(result.out)['stage']]).toEqual([0, 'evaluated'])
    const partition = String((json(sent.out)['receipt'] as { partition: number }).partition)
    const tail = ['log', 'tail', '--partition', partition, '--no-follow', '--json']
    const heights = (lines: string[]): number[] =>
      lines.map((line) => (JSON.parse(line) as { height: number }).height)
    const byBrokers = heights((await run([...tail, ...BROKERS])).out)
    expect(byBrokers.length).toBeGreaterThan(1)
    expect(heights((await hb([...tail, '--url', one.url])).out)).toEqual(byBrokers)
    // an address that is named counts more than what the brokers know
    const nobody = await run(['state', id, ...BROKERS, '--url', 'http://127.0.0.1:9'])
    expect(nobody.code).toBe(3)

    expect((await two.stop()).code).toBe(0)
    const third = await started('three', ['--roles', 'dre'])
    const again = await run(['state', id, ...BROKERS, '--raw'])
    expect(again.err).toEqual([])
    expect([again.out, third.network]).toEqual([['{"n":2}'], one.network])
  })

  test('a node that is of another network is refused, and changes nothing', async () => {
    const one = await started('one')
    const data = join(folder, 'foreign')
    const args = ['start', ...BROKERS, '--data', data, '--port', '0']
    const other = await run([...args, '--partitions', '7'])
    expect([other.code, other.err[0]]).toEqual([1, expect.stringContaining('genesis-mismatch')])
    expect(await readdir(folder)).not.toContain('foreign')
    const elsewhere = await started('two', ['--partitions', '7', '--application-id', 'other'])
    expect(elsewhere.network).not.toBe(one.network)
    // a directory of one network on the topics of another
    const kept = await run(['start', ...BROKERS, '--data', elsewhere.data, '--port', '0'])
    expect(kept.err[0]).toContain('genesis-mismatch')
    expect((await run(['state', 'hyper-coin', ...BROKERS, '--application-id', 'other'])).code).toBe(0)
  })

  test('an address: what is told, where it listens, and what others cannot reach', async () => {
    const one = await started('one')
    expect(one.address).toBe(one.url)
    expect(one.err).toEqual([expect.stringContaining('warning: other machines do not reach')])
    const url = 'http://node.example:1234/hb'
    const two = await started('two', ['--advertised-url', `${url}/`])
    expect([two.address, two.err]).toEqual([url, []])
    const members = await log.members('hb.dre')
    expect(members.map(({ address }) => address).sort()).toEqual([one.url, url].sort())
    const three = await started('three', ['--host', '0.0.0.0', '--roles', 'relayer'])
    expect(new URL(three.address).hostname).not.toBe('0.0.0.0')
  })

  test('the directory of an embedded log is not taken for caches', async () => {
    const data = join(folder, 'embedded')
    await mkdir(join(data, 'log'), { recursive: true })
    const { code, err } = await run(['start', ...BROKERS, '--data', data, '--port', '0'])
    expect([code, err[0]]).toEqual([2, expect.stringContaining('holds an embedded log')])
  })

  test('what cannot listen closes what it opened', async () => {
    const one = await started('one')
    const port = new URL(one.url).port
    const { code, err } = await run(['start', ...BROKERS, '--data', `${one.data}-2`, '--port', port])
    expect([code, err.join()]).toEqual([1, expect.stringContaining('listen-failed')])
    // the first node's own: the door's log and each role's
    expect(open).toBe(4)
  })

  test('told to end, it ends in time, or says what did not', async () => {
    let letGo: () => void = () => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    const stuck: OpenBrokers = async (options) => {
      const brokers = await openBrokers(options)
      return {
        ...brokers,
        join: async (joined) => {
          const membership = await brokers.join(joined)
          const leave = async () => (await held, membership.leave())
          return joined.group === 'hb.dre' ? { ...membership, leave } : membership
        },
      }
    }
    const one = await started('one', ['--shutdown-timeout', '0.3', '--partitions', '2'], stuck)
    const stopped = one.stop()
    await until(() => one.exits.length > 0)
    expect(one.exits).toEqual([1])
    expect(one.err.at(-1)).toBe('Not finished within 0.3 s: dre (partitions 0, 1)')
    letGo()
    await stopped
    const two = await started('two', ['--shutdown-timeout', '20'])
    expect(await two.stop()).toMatchObject({ code: 0, exits: [] })
  })

  test.each([
    [['--roles', 'sequencer,miner']],
    [['--roles', '']],
    [['--advertised-url', 'node:8734']],
    [['--advertised-url', 'http://a/?x=1']],
    [['--standby', 'one']],
    [['--shutdown-timeout', 'soon']],
  ])('%j is usage: 2', async (args) => {
    expect((await run(['start', ...BROKERS, ...args])).code).toBe(2)
    expect(opened).toEqual([])
  })
})

describe('how brokers are reached', () => {
  async function properties(...lines: string[]): Promise<string> {
    const path = join(folder, 'client.properties')
    await writeFile(path, lines.join('\n'))
    return path
  }

  test('--command-config says how; what has no meaning is a remark', async () => {
    const file = await properties(
      'bootstrap.servers=other:9093',
      'security.protocol=SASL_SSL',
      'sasl.mechanism=SCRAM-SHA-256',
      'sasl.username=me',
      'sasl.password=S3CRET',
      'session.timeout.ms=12000',
      'acks=all',
    )
    const { code, err } = await run(['state', 'x', '--command-config', file])
    expect([code, opened.length]).toEqual([3, 1])
    const [options] = opened
    expect(options).toMatchObject({
      bootstrapServers: 'other:9093',
      clientId: 'hb.reader',
      limits: { sessionTimeoutMs: 12_000 },
      security: { ssl: {}, sasl: { mechanism: 'scram-sha-256' } },
    })
    expect(options?.security?.sasl?.password).toBe('S3CRET')
    expect(err[0]).toMatch(/^warning: .*line 7, acks: is not used here$/)
    expect(err.join()).toContain('node-unreachable')
    expect(err.join()).not.toContain('S3CRET')
    await run(['state', 'x', ...BROKERS, '--command-config', file, '--application-id', 'a'])
    expect(opened[1]).toMatchObject({ bootstrapServers: 'kafka:9092', clientId: 'a.reader' })
  })

  test('each role that runs, and each kind of command, has a client id of its own', async () => {
    const clientIds = (): string[] => opened.splice(0).flatMap(({ clientId = '' }) => clientId)
    await run(['topics', 'create', ...BROKERS, '--partitions', '2'])
    expect(clientIds()).toEqual(['hb.admin'])
    await started('one', ['--roles', 'sequencer,relayer'])
    expect(clientIds()).toEqual(['hb.door', 'hb.sequencer', 'hb.relayer'])
    const named = await properties('client.id=rack7')
    await started('two', ['--roles', 'dre', '--command-config', named])
    expect(clientIds()).toEqual(['rack7.door', 'rack7.dre'])
    for (const command of [['status'], ['dlq', 'list'], ['state', 'hyper-coin']]) {
      await run([...command, ...BROKERS])
    }
    expect([...new Set(clientIds())]).toEqual(['hb.reader'])
  })

  test('what a role writes and reads goes through its own log', async () => {
    const seen = new Set<string>()
    const watching: OpenBrokers = async (options) => {
      const brokers = await openBrokers(options)
      const part = options.clientId ?? ''
      return {
        ...brokers,
        append: (topic, ...rest) => (seen.add(`${part} > ${topic}`), brokers.append(topic, ...rest)),
        join: (joined) => (seen.add(`${part} in ${joined.group}`), brokers.join(joined)),
      }
    }
    await started('one', ['--partitions', '1'], watching)
    // its spawn is ordered, evaluated, and what it emits relayed
    const contract = join(folder, 'greeter.ts')
    const lines = "{ messages: [{ target: action.id, tags: { Action: 'Hi' } }] }"
    await writeFile(contract, `export const handle = (state, action) => (${lines})`)
    await run(['spawn', contract, ...BROKERS, '--json'], watching)
    await until(() => seen.has('hb.relayer > hb.ingress'))
    await until(() => seen.has('hb.sequencer > hb.registry'))
    expect([...seen].sort()).toEqual([
      'hb.door > hb.ingress',
      'hb.door > hb.registry',
      'hb.dre > hb.modules',
      'hb.dre > hb.outbox',
      'hb.dre in hb.dre',
      'hb.relayer > hb.ingress',
      'hb.relayer in hb.relayer',
      'hb.sequencer > hb.log',
      'hb.sequencer > hb.registry',
      'hb.sequencer in hb.sequencer',
    ])
  })

  test('a log of a role that cannot be opened closes the others', async () => {
    const halfway: OpenBrokers = (options) =>
      options.clientId === 'hb.relayer'
        ? Promise.reject(new HbError('log-unreachable', 'kafka:9092'))
        : openBrokers(options)
    const { code } = await run(['start', ...BROKERS, '--data', join(folder, 'half')], halfway)
    expect([code, opened.length, open]).toEqual([3, 3, 0])
  })

  test('a file that cannot be used is usage, and nothing of it is shown', async () => {
    const file = await properties('security.protocol=SASL_SSL', 'sasl.password=S3CRET')
    for (const command of [['start'], ['demo'], ['state', 'x'], ['log', 'tail'], ['result', 'x']]) {
      const { code, out, err } = await run([...command, ...BROKERS, '--command-config', file])
      expect([command[0], code, out]).toEqual([command[0], 2, []])
      expect(err[0]).toContain('client-properties-invalid')
      expect(err.join()).not.toContain('S3CRET')
    }
    const none = await run(['state', 'x', ...BROKERS, '--command-config', join(folder, 'none')])
    expect([none.code, none.err[0]]).toEqual([2, expect.stringContaining('file-unreadable')])
    const silent = await properties('client.id=x')
    expect((await run(['state', 'x', '--command-config', silent])).code).toBe(2)
    expect(opened).toEqual([])
  })

  test('text in Latin-1 is read as Java reads it', async () => {
    const path = join(folder, 'latin.properties')
    const text = 'security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=é\nsasl.password=ü'
    for (const encoding of ['latin1', 'utf8'] as const) {
      await writeFile(path, text, encoding)
      await run(['state', 'x', ...BROKERS, '--command-config', path])
      expect(opened.at(-1)?.security?.sasl).toMatchObject({ username: 'é', password: 'ü' })
    }
  })

  test('no broker, or no node: 3', async () => {
    const away: OpenBrokers = () => Promise.reject(new HbError('log-unreachable', 'kafka:9092'))
    expect((await run(['state', 'x', ...BROKERS], away)).code).toBe(3)
    expect((await run(['start', ...BROKERS], away)).code).toBe(3)
    const { code, err } = await run(['state', 'x', ...BROKERS])
    expect([code, err.join()]).toEqual([3, expect.stringContaining('no node of application id hb')])
  })
})

test('hb demo on brokers: the same end, rebuilt from the topics, under a new application id', async () => {
  const ids: string[] = []
  for (let n = 0; n < 2; n++) {
    const { code, out, err } = await run(['demo', ...BROKERS, '--json'])
    expect([code, err]).toEqual([0, []])
    const shown = json(out)
    expect(shown).toMatchObject({
      ok: true,
      final: { stakes: { DMac: '100', Sam: '0' }, asset: { DMac: '90', Sam: '10' } },
      replay: { identical: true },
    })
    ids.push(shown['applicationId'] as string)
  }
  expect(ids[0]).toMatch(/^hb-demo-[0-9a-f]{12}$/)
  expect(ids[1]).not.toBe(ids[0])
  const { records } = await log.read(`${ids[0]}.registry`, 0, 0)
  expect(records[0]?.key).toMatch(/^genesis\//)
  const again = await run(['demo', ...BROKERS, '--application-id', ids[0] as string])
  expect([again.code, again.err[0]]).toEqual([1, expect.stringContaining('genesis-mismatch')])
}, 60_000)

test('an id that begins with a hyphen is an id', async () => {
  const id = `-${'A'.repeat(42)}`
  for (const args of [['result', id], ['state', id, '--json'], ['state', '--json', id]]) {
    const { code, err, out } = await hb([...args, '--url', 'http://127.0.0.1:9'])
    expect([args, code, [...err, ...out].join().includes('node-unreachable')]).toEqual([args, 3, true])
  }
})
