// A run of chaos from beginning to end: network, load, faults, quiet, evidence, verdict.
//
// Invariants: R1 the seed decides the schedule of faults and what each wallet does; it is printed
// first. R2 all that the checker judges is in the run's folder before it judges.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '../../src/client/index.ts'
import { createClient, generateWallet } from '../../src/client/index.ts'
import type { Log } from '../../src/log/port.ts'
import { systemClock } from '../../src/std/clock.ts'
import type { Random } from '../../src/std/random.ts'
import { seededRandom } from '../../src/std/random.ts'
import type { ChaosNetwork } from './chaos-network.ts'
import { chaosNetwork } from './chaos-network.ts'
import type { Figures, Report, Violation } from './checker/index.ts'
import { check } from './checker/index.ts'
import { evaluateAfresh } from './evidence.ts'
import type { FaultEvent } from './faults.ts'
import { Faults } from './faults.ts'
import { finalStates } from './final-states.ts'
import { readHistory, writeHistory } from './history-file.ts'
import type { KeptHistory } from './history-file.ts'
import { APPLICATION_ID, KafkaNetwork } from './kafka-network.ts'
import { Load } from './load.ts'
import { untilComplete } from './quiet.ts'
import { Recorder } from './recorder.ts'
import type { Fault, FaultKind } from './schedule.ts'
import { scheduleOf } from './schedule.ts'

export type ChaosOptions = {
  readonly seed: number
  /** How long faults go on. */
  readonly seconds: number
  /** One fault of each kind, as fast as can be. */
  readonly short: boolean
  readonly openLog: (bootstrapServers: string) => Promise<Log>
  /** A line for people. */
  readonly say: (line: string) => void
}

export type Outcome = { readonly seed: number; readonly ok: boolean; readonly events: number } & {
  readonly violations: readonly Violation[]
} & Figures

type Plan = {
  readonly wallets: number
  readonly messagesPerSecond: number
  readonly sessionTimeoutMs: number
  readonly everyMs: number
  readonly awayMsMax: number
  readonly leadMs: number
  readonly brokerKinds: readonly FaultKind[]
  readonly stillMs: number
}

const LONG: Plan = {
  wallets: 24,
  messagesPerSecond: 60,
  sessionTimeoutMs: 6_000,
  everyMs: 2_500,
  awayMsMax: 4_000,
  leadMs: 8_000,
  brokerKinds: ['kill', 'stop', 'freeze'],
  stillMs: 3_000,
}

const SHORT: Plan = {
  wallets: 12,
  messagesPerSecond: 40,
  sessionTimeoutMs: 3_000,
  everyMs: 1_200,
  awayMsMax: 700,
  leadMs: 1_500,
  brokerKinds: ['kill'],
  stillMs: 1_000,
}

const MEMBER_KINDS: readonly FaultKind[] = ['kill', 'lose', 'stop', 'freeze']
const PARTITIONS = 8
const PAIRS = 16
const QUIET_MS_MAX = 180_000
const HISTORY = 'history'

/** What befalls a network, and who sends meanwhile. */
type Ordeal = {
  /** Resolves with the number of events. */
  readonly go: (run: Run) => Promise<number>
  readonly clients: (network: KafkaNetwork) => Client[]
  /** What the nodes run at first; default: the sources. */
  readonly program?: string
}

/** A run under way: its parts, and what is known to be wrong before anything is judged. */
type Run = {
  readonly options: ChaosOptions
  /** With the time since the run began. */
  readonly say: (line: string) => void
  readonly plan: Plan
  readonly dir: string
  readonly random: Random
  readonly chaos: ChaosNetwork
  readonly network: KafkaNetwork
  readonly recorder: Recorder
  readonly load: Load
  readonly broken: (invariant: string, text: string) => void
}

/** Starts everything, and ends everything. Throws only where the run itself could not be made. */
export function runChaos(options: ChaosOptions): Promise<Outcome> {
  return runThrough(options, { go: underFaults, clients: (network) => network.clients() })
}

/**
 * Under load each node in turn is stopped in good order and started again as `to`: nobody may
 * notice. `from`, `to`: the command `hb` of two builds, as files for Node.
 */
export function runRollingRestart(
  options: ChaosOptions & { readonly from: string; readonly to: string },
): Promise<Outcome> {
  const { from, to, ...rest } = options
  return runThrough(rest, { go: (run) => restartEach(run, to), clients: asUsers, program: from })
}

/** As a program has it: one client that knows all nodes and tries again by itself. */
function asUsers({ nodes }: KafkaNetwork): Client[] {
  const url = nodes.flatMap((node) => node.client?.url ?? [])
  return url.length === 0 ? [] : [createClient({ url })]
}

async function runThrough(options: ChaosOptions, ordeal: Ordeal): Promise<Outcome> {
  const { seed, short, openLog } = options
  const plan = short ? SHORT : LONG
  const dir = await mkdtemp(join(tmpdir(), 'hb-chaos-'))
  const began = performance.now()
  const say = (line: string): void =>
    options.say(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${line}`)
  say(`seed ${seed}; logs and history in ${dir}`)
  const random = seededRandom(seed)
  const wallets = await Promise.all(
    Array.from({ length: plan.wallets }, () => generateWallet('ed25519')),
  )
  const addresses = wallets.map(({ address }) => address)
  const chaos = await chaosNetwork({ partitions: PARTITIONS, pairs: PAIRS, addresses })
  const { sessionTimeoutMs, messagesPerSecond } = plan
  const { program } = ordeal
  const rest = program === undefined ? {} : { program }
  const network = await KafkaNetwork.start({ chaos, dir, sessionTimeoutMs, openLog, ...rest })
  say(`${network.nodes.length} nodes serve`)
  const violations: Violation[] = []
  const broken = (invariant: string, text: string): void =>
    void violations.push({ invariant, text })
  const recorder = new Recorder()
  const clients = (): Client[] => ordeal.clients(network)
  const load = new Load({ chaos, wallets, random, recorder, clients, messagesPerSecond })
  const run = { options, say, plan, dir, random, chaos, network, recorder, load, broken }
  let events: number
  try {
    events = await ordeal.go(run)
    await gather(run)
  } finally {
    await network.close()
  }
  const judged = await judge(await readHistory(join(dir, HISTORY)))
  violations.push(...judged.violations)
  const ok = violations.length === 0
  if (ok) await rm(dir, { recursive: true, force: true })
  else say(`kept in ${dir}`)
  return { seed, ok, events, ...judged.figures, violations }
}

/** What was kept of a run, evaluated afresh and checked. */
export async function judge(kept: KeptHistory): Promise<Report> {
  const evaluated = await evaluateAfresh(kept.network, kept.partitions)
  return check({ ...kept, evaluated })
}

/** Load and faults; everything is up again afterwards. Resolves with the number of events. */
async function underFaults(run: Run): Promise<number> {
  const { options, say, plan, random, network, load, broken } = run
  load.start()
  await systemClock.sleep(plan.leadMs)
  const faults = new Faults({ targets: network.targets, say: (event) => say(lineOf(event)) })
  await faults.run(scheduleFor(plan, options, random, network.targets))
  for (const problem of faults.problems) broken('faults-mended', problem)
  await systemClock.sleep(plan.leadMs)
  await load.stop()
  return faults.events.length
}

/** Any request that fails is an error here: there is always another node, and brokers stay up. */
async function restartEach(run: Run, to: string): Promise<number> {
  const { say, plan, network, load, recorder, broken } = run
  load.start()
  await systemClock.sleep(plan.leadMs)
  for (const node of network.nodes) {
    const began = performance.now()
    await node.stop()
    node.program = to
    await node.start()
    say(`${node.name}: restarted in ${Math.round(performance.now() - began)} ms`)
    await systemClock.sleep(plan.leadMs / 2)
  }
  await systemClock.sleep(plan.leadMs)
  await load.stop()
  for (const [code, count] of recorder.failures) {
    broken('no-errors', `${count} requests failed: ${code}`)
  }
  return network.nodes.length
}

/** Waits until all is quiet, and writes down everything that the checker judges. */
async function gather(run: Run): Promise<void> {
  const { say, plan, dir, chaos, network, recorder, broken } = run
  say(`the load has ended: ${recorder.acknowledgedCount} acknowledged`)
  const quiet = { applicationId: APPLICATION_ID, timeoutMs: QUIET_MS_MAX, stillMs: plan.stillMs }
  const { topics, missing } = await untilComplete(network.log, chaos.network, quiet)
  for (const text of missing) broken('quiet', text)
  say(missing.length === 0 ? 'quiet' : 'not quiet')
  const states = await finalStates({ chaos, clients: network.clients(), recorder }).catch(
    (error: unknown) => broken('states-served', String(error)),
  )
  const tokens = states ?? new Map<string, string>()
  const history = { network: chaos.network, ...topics, clients: recorder.history(), tokens }
  await writeHistory(join(dir, HISTORY), history)
  for (const problem of await network.problems()) broken('nodes-stay-up', problem)
  await network.keepBrokerLogs(dir)
  say(`requests that failed: ${JSON.stringify(Object.fromEntries(recorder.failures))}`)
}

function scheduleFor(
  { everyMs, awayMsMax, brokerKinds }: Plan,
  { seconds, short }: ChaosOptions,
  random: Random,
  targets: KafkaNetwork['targets'],
): Fault[] {
  const ofEach = MEMBER_KINDS.length + brokerKinds.length
  const faults = scheduleOf({
    random,
    targets,
    durationMs: short ? 2 * ofEach * everyMs : seconds * 1_000,
    everyMs,
    memberKinds: MEMBER_KINDS,
    brokerKinds,
    awayMsMax,
  })
  return short ? faults.slice(0, ofEach) : faults
}

function lineOf({ target, what }: FaultEvent): string {
  return `${target}: ${what}`
}
