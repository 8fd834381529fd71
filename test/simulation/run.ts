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
import type { Figures } from '../chaos/checker/index.ts'
import type { Topics } from '../chaos/evidence.ts'
import { evaluateAfresh } from '../chaos/evidence.ts'
import { Recorder } from '../chaos/recorder.ts'
import type { Cluster } from './broker/cluster.ts'
import { Load } from './load/load.ts'
import { tokens } from './load/tokens.ts'
import type { SimWallet } from './load/wallets.ts'
import { simWallet } from './load/wallets.ts'
import type { Placed, Workload } from './load/workload.ts'
import { Mischief } from './network/mischief.ts'
import { SimNetwork } from './network/sim-network.ts'
import type { PlanChanges, SimPlan } from './plan.ts'
import { planOf } from './plan.ts'
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
  /** What wallets send, instead of what the workloads draft. */
  readonly draft?: Workload['draft']
  /** Before anything starts: for whoever brings about one thing of their own. */
  readonly prepare?: (sim: SimNetwork) => void
}

const SALT = 'simulation'
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** So long nothing may be written, and every group must have caught up, virtual µs. */
const STILL_US = 6 * SECOND

export async function simulate(seed: number, options: RunOptions = {}): Promise<SimReport> {
  const { onTrace, draft } = options
  const world = new World(seed, onTrace === undefined ? {} : { onTrace })
  const plan = planOf(seed, world.random('plan'), options.changes)
  const workload = tokens()
  const workloads: Workload[] = [workload]
  const wallets = Array.from({ length: plan.wallets }, () => simWallet(world.random('wallets')))
  const network = await genesisOf(plan, workloads, wallets)
  const sim = new SimNetwork(world, plan, network.genesis)
  watchZombies(world, sim.cluster, topicNames('hb'))
  const recorder = new Recorder()
  const load = new Load({ world, sim, network, plan, wallets, workloads, recorder, ...(draft && { draft }) })
  const mischief = new Mischief(sim, plan)
  options.prepare?.(sim)
  for (const node of sim.nodes) node.start()
  load.start()
  mischief.start()
  const loaded = plan.seconds * SECOND
  await world.runUntil(() => sim.halts.length > 0, loaded)
  mischief.stop()
  load.stop()
  sim.heal()
  const rested = new Rest(world, sim.cluster, network)
  const isAtRest = await world.runUntil(
    () => sim.halts.length > 0 || (load.isOver && rested.isSo()),
    loaded + plan.restSeconds * SECOND,
  )
  const violations: Violation[] = sim.halts.map(({ node, text }) => {
    return { invariant: 'nothing-halts', text: `${node}: ${text}` }
  })
  let figures: Figures | undefined
  let states: ReadonlyMap<string, string> = new Map()
  if (!isAtRest) violations.push({ invariant: 'comes-to-rest', text: rested.why() })
  else if (violations.length === 0) {
    const judged = await judge(sim, network, recorder, workloads, workload.tokenNames)
    violations.push(...judged.violations)
    ;({ figures, states } = judged)
    if (figures.superseded > 0) world.saw('an entry was superseded')
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
  const source = (path: string): string => sources.get(path) ?? readFileSync(path, 'utf8')
  const context = { partitions, addresses: wallets.map(({ address }) => address), place, source }
  const processes = workloads.flatMap((each): GenesisProcess[] => each.processes(context))
  const name = 'simulation'
  return openNetwork(
    makeGenesis({ name, salt: SALT, partitions, intervalLength, sandbox: SANDBOX, processes }),
  )
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
  tokenNames: readonly string[],
): Promise<Judged> {
  const topics = topicsOf(sim.cluster, network)
  const evaluated = await evaluateAfresh(network, topics.partitions)
  const states = new Map(evaluated.flatMap((each) => [...each.states]))
  const held = new Map<string, string>()
  for (const name of tokenNames) {
    const id = network.processIds.get(name) as string
    for (const { api } of sim.nodes) {
      const state = await api?.state(id).catch(() => undefined)
      if (state !== undefined) held.set(id, state.text)
    }
  }
  const clients = recorder.history()
  const history = { network, ...topics, clients, evaluated, tokens: held }
  const { violations, figures } = check(history)
  const facts = factsOf(history)
  const partitions = facts.partitions.map(({ entries }, at) => {
    return { entries, results: evaluated[at]?.results ?? [] }
  })
  const ending = { network, partitions, states }
  const modelled = workloads.flatMap((each) => each.judge(ending))
  return { violations: [...violations, ...modelled], figures, states }
}

/** Every group is at the end of its topic, every channel has arrived, and nothing is written. */
class Rest {
  readonly #world: World
  readonly #cluster: Cluster
  readonly #network: Network
  #ends = -1
  #since = 0
  #looked = 0

  constructor(world: World, cluster: Cluster, network: Network) {
    this.#world = world
    this.#cluster = cluster
    this.#network = network
  }

  isSo(): boolean {
    const { now } = this.#world
    if (now - this.#looked < SECOND / 2) return false
    this.#looked = now
    let ends = 0
    const names = topicNames('hb')
    for (const name of [names.ingress, names.log, names.outbox]) {
      for (const { records } of this.#cluster.topics.get(name)?.partitions ?? []) {
        ends += records.length
      }
    }
    if (ends !== this.#ends || this.#lags().length > 0) this.#since = now
    this.#ends = ends
    return now - this.#since > STILL_US
  }

  why(): string {
    const lags = this.#lags()
    const groups = [...this.#cluster.groups].map((each) => `${each.name} ${JSON.stringify(each.members())}`)
    return lags.length === 0 ? 'records are still being written' : [...lags, ...groups].join(', ')
  }

  #lags(): string[] {
    const names = topicNames('hb')
    const lags: string[] = []
    for (const [role, topic] of [
      ['sequencer', names.ingress],
      ['dre', names.log],
      ['relayer', names.outbox],
    ] as const) {
      for (let at = 0; at < this.#network.genesis.partitions; at++) {
        const end = this.#cluster.topics.get(topic)?.partitions[at]?.records.length ?? 0
        const lag = end - (this.#cluster.group(`hb.${role}`).committed(topic, at) ?? 0)
        if (lag > 0) lags.push(`${role} ${topic}/${at}: ${lag}`)
      }
    }
    return lags
  }
}
