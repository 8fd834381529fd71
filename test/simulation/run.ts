// One run: a world of one seed from its first event to its verdict.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleContract } from '../../src/client/index.ts'
import type { GenesisProcess, Network } from '../../src/protocol/genesis.ts'
import { genesisProcessId, grindNonce, makeGenesis, openNetwork } from '../../src/protocol/genesis.ts'
import { topicNames } from '../../src/protocol/topics.ts'
import { SANDBOX } from '../../src/runtime/index.ts'
import type { Violation } from '../chaos/checker/index.ts'
import { check } from '../chaos/checker/index.ts'
import { factsOf } from '../chaos/checker/facts.ts'
import { publishedResults } from '../chaos/checker/result-checks.ts'
import type { Figures } from '../chaos/checker/index.ts'
import type { Topics } from '../chaos/evidence.ts'
import { evaluateAfresh } from '../chaos/evidence.ts'
import { Recorder } from '../chaos/recorder.ts'
import { judgeRestored } from './archive/restoring.ts'
import { Sinks } from './archive/sinks.ts'
import type { Cluster } from './broker/cluster.ts'
import type { OnHappening } from './invariants/index.ts'
import { Invariants } from './invariants/index.ts'
import { Lookout } from './invariants/lookout.ts'
import { ClockWatch } from './clock-watch.ts'
import { WORKLOADS } from './load/all.ts'
import { clockPart } from './load/clock.ts'
import { Load } from './load/load.ts'
import type { SimWallet } from './load/wallets.ts'
import { simWallet } from './load/wallets.ts'
import { judgeModels } from './load/model/judge.ts'
import type { Ending, GenesisContext, Placed, Workload } from './load/workload.ts'
import { Mischief } from './network/mischief.ts'
import { SimNetwork } from './network/sim-network.ts'
import type { PlanChanges, SimPlan } from './plan.ts'
import { planOf } from './plan.ts'
import { Rest } from './rest.ts'
import { seeSituations } from './sightings.ts'
import { watchZombies } from './situations.ts'
import { SECOND, World } from './world/world.ts'

export type SimReport = {
  readonly seed: number
  readonly traceHash: string
  readonly steps: number
  readonly violations: readonly Violation[]
  readonly plan: SimPlan
  readonly figures: Figures | undefined
  readonly situations: Readonly<Record<string, number>>
  /** Virtual seconds from the first event to the last. */
  readonly seconds: number
  /** Final states by process, as JSON text: a fresh evaluation; empty where it never came to rest. */
  readonly states: ReadonlyMap<string, string>
}

export type RunOptions = {
  readonly changes?: PlanChanges
  readonly onTrace?: (line: string) => void
  readonly onHappening?: OnHappening
  /** What wallets send, instead of what the workloads draft. */
  readonly draft?: Workload['draft']
  /** Before anything starts: for whoever brings about one thing of their own. */
  readonly prepare?: (sim: SimNetwork) => void
}

const SALT = 'simulation'
/** So low that what is hostile costs little, and that floods end. */
const LIMITS = {
  gasMax: 250_000,
  stateBytesMax: 200_000,
  outputBytesMax: 120_000,
  messageBytesMax: 65_536,
  tagBytesMax: 2_048,
  hopsDefault: 24,
  countDefault: 60,
  countMax: 10_000,
}
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Of a run, several times what was seen: what goes on beyond that is a flood that never ends. */
const STEPS_FREE = 200_000
const STEPS_PER_MESSAGE = 500

export async function simulate(seed: number, options: RunOptions = {}): Promise<SimReport> {
  const { onTrace, draft } = options
  const world = new World(seed, onTrace === undefined ? {} : { onTrace })
  const plan = planOf(seed, world.random('plan'), options.changes)
  const workloads = plan.workloads.map((name): Workload => WORKLOADS[name]())
  const wallets = Array.from({ length: plan.wallets }, () => simWallet(world.random('wallets')))
  /** With what is in genesis and sends nothing. */
  const hasClock = workloads.some((each) => each.needsClock)
  const parts = hasClock ? [clockPart(LIMITS), ...workloads] : workloads
  const network = await genesisOf(plan, parts, wallets)
  const sim = new SimNetwork(world, plan, network.genesis)
  const invariants = new Invariants(world, network, options.onHappening)
  const lookout = new Lookout(world, sim.nodes, invariants)
  const sinks = new Sinks(sim, network, plan.archive, invariants)
  sim.cluster.observers.push(invariants)
  sim.http.observers.push((node, value) => invariants.heard(node, value))
  const stepsMax = STEPS_FREE + STEPS_PER_MESSAGE * plan.seconds * plan.messagesPerSecond
  /** Asked after every step. */
  const isWrong = (): boolean => {
    lookout.look()
    return sim.halts.length + invariants.violations.length > 0 || world.steps > stepsMax
  }
  watchZombies(world, sim.cluster, topicNames('hb'))
  const recorder = new Recorder()
  const drafting = draft === undefined ? {} : { draft }
  const loading = { world, sim, network, plan, wallets, workloads, recorder }
  const load = new Load({ ...loading, ...drafting })
  const mischief = new Mischief(sim, plan)
  options.prepare?.(sim)
  for (const each of [...sim.nodes, sinks]) each.start()
  load.start()
  mischief.start()
  const loaded = plan.seconds * SECOND
  await world.runUntil(isWrong, loaded)
  mischief.stop()
  load.stop()
  sim.heal()
  sinks.heal()
  const alarms = new ClockWatch(world, invariants.known)
  const rested = new Rest(world, sim, network, { alarms, sinks })
  const isAtRest = await world.runUntil(
    () => isWrong() || (load.isOver && rested.isSo()),
    loaded + plan.restSeconds * SECOND,
  )
  const violations = [...invariants.violations, ...wrongOf(sim)]
  let figures: Figures | undefined
  let states: ReadonlyMap<string, string> = new Map()
  if (world.steps > stepsMax) {
    violations.push({ invariant: 'steps-bounded', text: `more than ${stepsMax} steps` })
  }
  if (!isAtRest) violations.push({ invariant: 'comes-to-rest', text: rested.why() })
  else if (violations.length === 0) {
    const judged = await judge(sim, network, recorder, parts)
    violations.push(...load.violations, ...judged.violations)
    ;({ figures, states } = judged)
    if (figures.superseded > 0) world.saw('an entry was superseded')
    if (violations.length === 0) violations.push(...(await judgeArchive(sim, sinks, states)))
  }
  return {
    seed,
    traceHash: world.traceHash(),
    steps: world.steps,
    violations,
    plan,
    figures,
    situations: Object.fromEntries([...world.situations].sort(([a], [b]) => (a < b ? -1 : 1))),
    seconds: world.now / SECOND,
    states,
  }
}

function wrongOf({ cluster, halts }: SimNetwork): Violation[] {
  const halted = halts.map(({ node, text }): Violation => {
    return { invariant: 'nothing-halts', text: `${node}: ${text}` }
  })
  return [...cluster.conduct.violations, ...halted]
}

const sources = new Map<string, string>()

async function genesisOf(
  plan: SimPlan,
  workloads: readonly Workload[],
  wallets: readonly SimWallet[],
): Promise<Network> {
  for (const path of workloads.flatMap(({ contracts }) => contracts)) {
    if (!sources.has(path)) sources.set(path, (await bundleContract(`${ROOT}${path}`)).source)
  }
  const { partitions, intervalLength } = plan
  const place = (name: string, partition: number): Placed => {
    const nonce = grindNonce(SALT, name, partition, partitions)
    return { name, nonce, id: genesisProcessId(SALT, name, nonce) }
  }
  const addresses = wallets.map(({ address }) => address)
  const context: GenesisContext = { partitions, addresses, place, source: sourceOf }
  const processes = workloads.flatMap((each): GenesisProcess[] => each.processes(context))
  const name = 'simulation'
  const fixed = { name, salt: SALT, limits: LIMITS, sandbox: SANDBOX }
  return openNetwork(makeGenesis({ ...fixed, partitions, intervalLength, processes }))
}

function sourceOf(path: string): string {
  return sources.get(path) ?? readFileSync(path, 'utf8')
}

/** Everything that was ever written, trimmed or not. */
function topicsOf(cluster: Cluster, network: Network): Topics {
  const names = topicNames('hb')
  const all = (name: string, index: number) =>
    (cluster.topics.get(name)?.partitions[index]?.records ?? []).filter((each) => each !== undefined)
  const partitions = Array.from({ length: network.genesis.partitions }, (_, index) => ({
    log: all(names.log, index),
    ingress: all(names.ingress, index),
    outbox: all(names.outbox, index),
  }))
  return { partitions, deadletters: all(names.deadletters, 0) }
}

type Judged = {
  readonly violations: readonly Violation[]
  readonly figures: Figures
  readonly states: ReadonlyMap<string, string>
}

async function judge(
  sim: SimNetwork,
  network: Network,
  recorder: Recorder,
  workloads: readonly Workload[],
): Promise<Judged> {
  const topics = topicsOf(sim.cluster, network)
  const evaluated = await evaluateAfresh(network, topics.partitions)
  const states = new Map(evaluated.flatMap((each) => [...each.states]))
  const served = await statesServed(sim, states.keys(), recorder)
  const held = new Map<string, string>()
  for (const name of workloads.flatMap(({ tokenNames }) => tokenNames)) {
    const id = network.processIds.get(name) as string
    const [text] = served.get(id) ?? []
    if (text !== undefined) held.set(id, text)
  }
  const clients = recorder.history()
  const history = { network, ...topics, clients, evaluated, tokens: held }
  const { violations, figures } = check(history)
  const facts = factsOf(history)
  const partitions = facts.partitions.map(({ entries }, at) => {
    return { entries, results: publishedResults(facts, at) }
  })
  seeSituations(partitions, (situation) => sim.world.saw(situation))
  const ending: Ending = { network, partitions, states, served, refusals: facts.refusals }
  const models = new Map(workloads.flatMap((each) => each.models(sourceOf)))
  const modelled = [
    ...judgeModels(ending, models),
    ...workloads.flatMap((each) => each.judge?.(ending) ?? []),
  ]
  return { violations: [...violations, ...modelled], figures, states }
}

/** Restored when nothing but the archive is left. */
async function judgeArchive(
  { world, nodes, faults }: SimNetwork,
  sinks: Sinks,
  states: ReadonlyMap<string, string>,
): Promise<readonly Violation[]> {
  const { plan, site, known } = sinks
  if (plan.sinks === 0) return []
  for (const machine of [...nodes, sinks]) machine.scrap()
  const { network, partitions } = known
  return judgeRestored({ world, site, network, rates: faults.rates }, { partitions, states })
}

/** Of each process every different text that a node serves. */
async function statesServed(
  { nodes }: SimNetwork,
  processes: Iterable<string>,
  recorder: Recorder,
): Promise<Map<string, Set<string>>> {
  const served = new Map<string, Set<string>>()
  for (const id of processes) {
    const texts = new Set<string>()
    for (const { api } of nodes) {
      const state = await api?.state(id).catch(() => undefined)
      if (state === undefined) continue
      texts.add(state.text)
      recorder.state(state)
    }
    served.set(id, texts)
  }
  return served
}
