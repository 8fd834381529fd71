// A node as an OS process, killed with -9 while something of a contract's is under way: an alarm
// that is pending, children that are being spawned by their module's hash; on brokers, another node
// goes on. And a node that leaves the poking to others.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { devGenesis } from '../../src/cli/dev-genesis.ts'
import type { Client, MessageSpec, SpawnSpec, Wallet } from '../../src/client/index.ts'
import { generateWallet } from '../../src/client/index.ts'
import { openNetwork } from '../../src/protocol/genesis.ts'
import { childId } from '../../src/protocol/message.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'
import { eventually } from '../support/waiting.ts'
import { startWatchdog } from '../support/watchdog.ts'
import type { Watchdog } from '../support/watchdog.ts'
import { NodeProcess } from './node-process.ts'

const CHILDREN = 240
const [BEAR, BEARS] = [20, 12]
/** A start is seconds of work, and there are several. */
const TEST_MS_MAX = 120_000

/** Hands on what it is asked, to the clock; writes down the times of the alarms that it hears. */
const WAKER = `exports.handle = (state, { kind, caller, tags, input }) => {
  if (kind === 'spawn') {
    state.clock = input.system.clock
    state.heard = []
    return {}
  }
  if (kind === 'notice' && caller === state.clock) state.heard.push(tags.At)
  if (kind !== 'message') return {}
  const asked = { Action: 'Set-Alarm', Name: tags.Name, After: tags.After }
  return { messages: [{ target: state.clock, tags: asked }] }
}`
const CHILD = `exports.handle = (state, { kind, caller, tags }) => {
  if (kind !== 'spawn') return {}
  return { messages: [{ kind: 'notice', target: caller, tags: { Action: 'Born' } }] }
}`
/** Bears children by salts and the hash of a module that its own spawn made known. */
const MOTHER = `exports.handle = (state, { kind, caller, tags }) => {
  if (kind === 'spawn') return { messages: [{ kind: 'spawn', data: { source: state.child } }] }
  if (kind === 'bounce') state.bounces += 1
  if (kind === 'notice') state.born[caller] = (state.born[caller] ?? 0) + 1
  const messages = []
  for (let at = 0; kind === 'message' && at < ${BEAR}; at += 1) {
    messages.push({ kind: 'spawn', salt: tags.Name + at, data: { module: state.module } })
  }
  return { messages }
}`

type Waker = { readonly clock: string; readonly heard: readonly string[] }
type Mother = { readonly born: Readonly<Record<string, number>>; readonly bounces: number }

let dir: string
let watchdog: Watchdog
/** The one that is killed again and again. */
let node: NodeProcess
let anna: Wallet

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hb-killed-'))
  watchdog = startWatchdog(join(dir, 'nodes'))
  anna = await generateWallet('ed25519')
  node = await started('mortal', '--partitions', '1')
}, TEST_MS_MAX)

afterAll(async () => {
  await node.kill()
  await watchdog.close()
  await rm(dir, { recursive: true, force: true })
})

afterEach(async () => {
  expect([node.problems, await node.halts()]).toEqual([[], []])
})

const genesis = () => devGenesis({ partitions: 1, mint: {}, operators: [] })

async function started(name: string, ...args: string[]): Promise<NodeProcess> {
  const { id } = openNetwork(await genesis())
  const dataDir = join(dir, 'nodes', name)
  const common = { name, network: id, dataDir, logFile: join(dir, `${name}.log`), watchdog }
  const made = new NodeProcess({ ...common, args })
  await made.start()
  return made
}

function clientOf({ client, name }: NodeProcess): Client {
  if (client === undefined) throw new Error(`${name} does not run`)
  return client
}

async function spawned(of: NodeProcess, source: string, state: SpawnSpec['state'] = {}): Promise<string> {
  const client = clientOf(of)
  const { id } = await client.spawn(anna, { source, state })
  const { result } = await client.wait(id)
  expect(result).toMatchObject({ status: 'ok' })
  return id
}

function call(of: NodeProcess, spec: MessageSpec) {
  return clientOf(of).call(anna, spec)
}

async function stateOf<T>(of: NodeProcess, id: string): Promise<T> {
  return JSON.parse((await clientOf(of).state(id)).text) as T
}

async function heardIn(of: NodeProcess, waker: string): Promise<readonly string[]> {
  return (await stateOf<Waker>(of, waker)).heard
}

test('an alarm that is pending when its node is killed fires once, after that', async () => {
  const waker = await spawned(node, WAKER)
  // one that is due while nobody runs, and one that is due when the node is back
  await call(node, { target: waker, action: 'Set', tags: { Name: 'soon', After: '1' } })
  await call(node, { target: waker, action: 'Set', tags: { Name: 'missed', After: '700' } })
  await call(node, { target: waker, action: 'Set', tags: { Name: 'later', After: '3000' } })
  await eventually(async () => expect(await heardIn(node, waker)).toHaveLength(1))
  await node.kill()
  await node.start()
  await eventually(async () => expect(await heardIn(node, waker)).toHaveLength(3))
  const heard = await heardIn(node, waker)
  // whoever pokes now finds nothing that is due
  const { clock } = await stateOf<Waker>(node, waker)
  await call(node, { target: clock, action: 'Poke', hops: 40, count: 2_000 })
  await call(node, { target: waker, action: 'Set', tags: { Name: 'no time', After: 'x' } })
  expect(await heardIn(node, waker)).toEqual(heard)
  expect(heard).toEqual([...heard].sort())
}, TEST_MS_MAX)

test('children by a module’s hash are there once, however often their node is killed', async () => {
  const module = toBase64Url(sha256(Buffer.from(CHILD)))
  const mother = await spawned(node, MOTHER, { child: CHILD, module, born: {}, bounces: 0 })
  const asked = Array.from({ length: BEARS }, (_, at) => `${at}-`)
  for (const [turn, Name] of asked.entries()) {
    await clientOf(node).send(anna, { target: mother, action: 'Bear', tags: { Name } })
    // with children on their way: in the log, in the outbox, or between them
    if (turn % 6 !== 5) continue
    await node.kill()
    await node.start()
  }
  const all = asked.flatMap((name) => {
    return Array.from({ length: BEAR }, (_, at) => childId(mother, `${name}${at}`))
  })
  // the one that brought the source is one more
  await eventually(async () => {
    expect(Object.keys((await stateOf<Mother>(node, mother)).born)).toHaveLength(CHILDREN + 1)
  })
  const { born, bounces } = await stateOf<Mother>(node, mother)
  expect(new Set(Object.values(born))).toEqual(new Set([1]))
  expect([bounces, all.filter((id) => born[id] !== 1)]).toEqual([0, []])
  for (const id of [all[0], all.at(-1)] as string[]) {
    expect(await clientOf(node).process(id)).toMatchObject({ module, slot: 0 })
  }
}, TEST_MS_MAX)

test('with --no-ticker an alarm waits for whoever pokes', async () => {
  const idle = await started('no-ticker', '--partitions', '1', '--no-ticker')
  const waker = await spawned(idle, WAKER)
  await call(idle, { target: waker, action: 'Set', tags: { Name: 'tea', After: '1' } })
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(await heardIn(idle, waker)).toEqual([])
  const { clock } = await stateOf<Waker>(idle, waker)
  await call(idle, { target: clock, action: 'Poke', hops: 40, count: 2_000 })
  await eventually(async () => expect(await heardIn(idle, waker)).toHaveLength(1))
  await idle.kill()
}, TEST_MS_MAX)

describeKafka('nodes that share brokers', () => {
  test('the alarm of a node that is killed fires once, at another', async () => {
    const { bootstrapServers } = await sharedKafka()
    const [file, properties] = [join(dir, 'genesis.json'), join(dir, 'client.properties')]
    await writeFile(file, JSON.stringify(await genesis()))
    await writeFile(properties, 'session.timeout.ms=6000\nheartbeat.interval.ms=500\n')
    const shared = ['--bootstrap-server', bootstrapServers, '--command-config', properties]
    shared.push('--application-id', `killed-${randomUUID()}`, '--genesis', file)
    const two = [await started('one', ...shared), await started('two', ...shared)]
    const owner = await eventually(async () => {
      for (const each of two) {
        const [first] = (await clientOf(each).health()).partitions
        if (first?.dre === 'open') return each
      }
      throw new Error('nobody evaluates')
    })
    const other = two.find((each) => each !== owner) as NodeProcess
    const waker = await spawned(owner, WAKER)
    await call(owner, { target: waker, action: 'Set', tags: { Name: 'tea', After: '3000' } })
    const { clock } = await stateOf<Waker>(owner, waker)
    await eventually(async () => {
      const { alarms } = await stateOf<{ alarms: object }>(owner, clock)
      expect(Object.keys(alarms)).toHaveLength(1)
    })
    await owner.kill()
    await eventually(async () => expect(await heardIn(other, waker)).toHaveLength(1), 60_000)
    await call(other, { target: clock, action: 'Poke', hops: 40, count: 2_000 })
    await call(other, { target: waker, action: 'Set', tags: { Name: 'no time', After: 'x' } })
    expect(await heardIn(other, waker)).toHaveLength(1)
    expect([other.problems, await other.halts()]).toEqual([[], []])
    await other.kill()
  }, TEST_MS_MAX)
})
