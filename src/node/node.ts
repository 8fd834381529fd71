// A node: roles on adapters, and the one interface to them (api.ts). The only room that chooses
// adapters.
//
// Owners: whoever calls `composeNode` owns log and stores unless it had them opened here.
// Invariants: N1, N2 of door.ts. N3 only the roles that are asked for run, and what is theirs alone
// (stores, the evaluator) is not needed without them.

import type { Log } from '../log/port.ts'
import type { SigningKey } from '../protocol/ans104/index.ts'
import type { Store } from '../store/port.ts'
import type { Genesis, Network } from '../protocol/genesis.ts'
import { openNetwork } from '../protocol/genesis.ts'
import { topicNames, topicSpecs } from '../protocol/topics.ts'
import type { Evaluator } from '../runtime/evaluator/port.ts'
import { createInlineEvaluator, createWorkerEvaluator } from '../runtime/index.ts'
import type { SequencerLimits, SequencerService } from '../sequencer/index.ts'
import type { DreLimits, DreService } from '../dre/index.ts'
import type { RelayerLimits, RelayerService } from '../relayer/index.ts'
import { createInlineVerifier, createVerifierPool, rememberVerdicts } from '../verifier/index.ts'
import type { RememberingVerifier } from '../verifier/index.ts'
import type { WriterSchemas } from '../schemas/port.ts'
import type { Clock } from '../std/clock.ts'
import { systemClock } from '../std/clock.ts'
import type { Reporter } from '../std/reporter.ts'
import { silentReporter } from '../std/reporter.ts'
import type { NodeApi } from './api.ts'
import { noDoorFigures } from './door-figures.ts'
import { Door } from './door.ts'
import type { DryRunLimits, DryRunsOptions } from './dry-runs.ts'
import { DryRuns } from './dry-runs.ts'
import { checkLevel, hostOf, LEVELS } from './host.ts'
import type { IngressLimits } from './ingress-writer.ts'
import { IngressWriter } from './ingress-writer.ts'
import { NodeMetrics } from './metrics/index.ts'
import type { MetricsLimits } from './metrics/limits.ts'
import { Meters } from './metrics/meters.ts'
import type { OwnershipOptions, Role, RoleLogs } from './ownership.ts'
import { Ownership, ROLES } from './ownership.ts'
import type { PeerLimits } from './peer-limits.ts'
import { PEER_LIMITS } from './peer-limits.ts'
import type { Fetch } from './peers.ts'
import { Peers } from './peers.ts'
import { NodeQueries } from './queries.ts'
import { NodeReports } from './reports.ts'
import type { Shared } from './roles.ts'
import { makeRoles } from './roles.ts'
import type { RouteOptions } from './routes.ts'
import { Routes } from './routes.ts'
import type { Throttling } from './throttling.ts'
import type { Ticker, TickerLimits } from './ticker.ts'
import { makeTicker } from './ticker.ts'
import { openTelemetryTracing } from './tracing.ts'
import type { WaitLimits } from './waits.ts'
import { Waits } from './waits.ts'

export type NodeOptions = {
  readonly genesis: Genesis
  readonly log: Log
  readonly roleLogs?: RoleLogs
  /** Which roles this node plays; default: all. With none it is a door to the others. */
  readonly roles?: readonly Role[]
  /** Where others reach this node's HTTP: a URL. Without one, nobody asks it or is sent to it. */
  readonly address?: string
  /** Warm copies of each partition that the groups keep on other nodes; default 0. */
  readonly standbys?: number
  /** Local caches: the sequencer's index and the DRE's states. Needed with that role only. */
  readonly sequencerStore?: Store
  readonly dreStore?: Store
  readonly clock?: Clock
  /** A schema registry, for what others put on ingress in its wire format. */
  readonly schemas?: WriterSchemas
  /** How other nodes are asked; default: the platform's own `fetch`. */
  readonly fetch?: Fetch
  readonly applicationId?: string
  /** Worker threads for evaluation; 0 evaluates on the main thread. */
  readonly evaluatorWorkers: number
  /** What stands between the DRE and its evaluator, for those who watch what contracts do. */
  readonly watchEvaluator?: (evaluator: Evaluator) => Evaluator
  /** Threads for signature checks; 0 checks on the main thread. */
  readonly verifierThreads: number
  readonly limits?: {
    readonly sequencer?: Partial<SequencerLimits>
    readonly dre?: Partial<DreLimits>
    readonly relayer?: Partial<RelayerLimits>
    readonly ingress?: Partial<IngressLimits>
    readonly waits?: Partial<WaitLimits>
    readonly peers?: Partial<PeerLimits>
    readonly metrics?: Partial<MetricsLimits>
    readonly dryRuns?: Partial<DryRunLimits>
    readonly ticker?: Partial<TickerLimits>
  }
  /** Signs what pokes the network's clock when an alarm is due; without it nothing here does. */
  readonly tickerKey?: SigningKey
  /** What is worth a line for those who operate it; default: nobody is told. */
  readonly reporter?: Reporter
  /** What the log's brokers make it wait; default: nothing is known of any quota. */
  readonly throttling?: Throttling
  readonly onHalted?: (role: string, partition: number, error: unknown) => void
  /** A warm copy failed and begins again; nothing that is served stands still for it. */
  readonly onStandbyFailed?: (role: string, partition: number, error: unknown) => void
}

export type RunningNode = {
  readonly api: NodeApi
  /** Undefined: not a role of this node. */
  readonly sequencer: SequencerService | undefined
  readonly dre: DreService | undefined
  readonly relayer: RelayerService | undefined
  readonly evaluator: Evaluator | undefined
  /** What `close` still waits for, in words; empty before it and after. */
  unfinished(): readonly string[]
  /** Stops the roles; log and stores stay open. */
  close(): Promise<void>
}

/** Starts the roles; where one cannot start, what was opened here is closed again. */
export async function composeNode(options: NodeOptions): Promise<RunningNode> {
  const network = openNetwork(options.genesis)
  const clock = options.clock ?? systemClock
  const { log, limits = {}, roles = ROLES, applicationId = 'hb', throttling } = options
  const topics = topicNames(applicationId)
  const { partitions } = network.genesis
  await log.provision(topicSpecs(topics, partitions))
  const waits = new Waits(clock, limits.waits)
  const reports = new NodeReports(options.reporter ?? silentReporter())
  const moved: { tell?: OnMoved } = {}
  const ownership = watchOwnership(options, { clock, partitions, reports, moved })
  const evaluator = roles.includes('dre')
    ? await watchedEvaluator(network, options)
    : undefined
  const verifier = openVerifier(options.verifierThreads)
  const closing = new Closing(ownership)
  const close = (services: Services): Promise<void> =>
    closing.once(async () => {
      waits.close()
      await woken.ticker?.close()
      await woken.dryRuns?.close()
      await closing.all(services)
      for (const part of [ownership, verifier, evaluator]) await part?.close()
    })
  const woken: { queries?: NodeQueries; dryRuns?: DryRuns; ticker?: Ticker } = {}
  const meters = new Meters(clock, (...failed) => reports.appendFailed(...failed))
  const told = { meters, reports, tracing: openTelemetryTracing() }
  const shared = { network, clock, evaluator, verifier, waits, ownership, ...told }
  const evaluated: Shared['evaluated'] = (partition, results) => {
    woken.queries?.evaluated(partition)
    woken.ticker?.evaluated(partition, results)
  }
  const services = makeRoles(options, { ...shared, evaluated })
  try {
    await Promise.all(ROLES.map(async (role) => services[role]?.start()))
  } catch (error) {
    await close(services)
    throw error
  }
  const queries = new NodeQueries({ network, log, clock, topics, ownership, ...services })
  const dryRuns = makeDryRuns(options, { network, clock, dre: services.dre })
  const onFailed = (error: unknown): void => reports.pokeFailed(error)
  const ticker = makeTicker(options, { ...shared, dre: services.dre, onFailed })
  Object.assign(woken, { queries, dryRuns, ticker })
  const others = findOthers(options, { ...shared, applicationId, signal: closing.signal })
  moved.tell = (role, partition) => {
    if (role === 'dre') woken.ticker?.moved(partition)
    if (ownership.of(role, partition) !== 'closing') return
    others.routes.left(role)
    if (role === 'dre') queries.left(partition)
  }
  const doorLog = meters.metered('door', log)
  const ingress = new IngressWriter(doorLog, topics.ingress, clock, limits.ingress)
  const figures = noDoorFigures()
  const seen = { ...services, evaluator, ownership, door: figures, ingress, meters, partitions }
  const { signal } = closing
  const place = { network: network.id, applicationId, topics, log, clock, signal, throttling }
  const metrics = new NodeMetrics({ ...seen, ...place, dryRuns, ticker, limits: limits.metrics })
  const door = new Door({ ...shared, ...others, ingress, queries, dryRuns, figures, metrics })
  const api = door.api()
  ticker?.start((items) => api.submit(items))
  return {
    api,
    ...services,
    evaluator,
    unfinished: () => closing.unfinished(),
    close: () => close(services),
  }
}

type OnMoved = (role: Role, partition: number) => void

function watchOwnership(
  { log, roleLogs = {}, roles = ROLES }: NodeOptions,
  parts: Pick<OwnershipOptions, 'clock' | 'partitions'> & {
    readonly reports: NodeReports
    readonly moved: { readonly tell?: OnMoved }
  },
): Ownership {
  const { clock, partitions, reports, moved } = parts
  const ownership: Ownership = new Ownership({
    log,
    roleLogs,
    clock,
    partitions,
    roles: ROLES.filter((role) => roles.includes(role)),
    onMoved: (role, partition) => {
      reports.moved(role, partition, ownership.of(role, partition))
      moved.tell?.(role, partition)
    },
  })
  return ownership
}

function makeDryRuns(
  { evaluatorWorkers, limits }: NodeOptions,
  parts: Pick<DryRunsOptions, 'network' | 'clock' | 'dre'>,
): DryRuns {
  // one thread at most, whatever is live has
  const workers = Math.min(1, evaluatorWorkers)
  const open = (): Promise<Evaluator> => openEvaluator(parts.network, workers)
  return new DryRuns({ ...parts, openEvaluator: open, limits: limits?.dryRuns })
}

/** The other nodes: who has what, and a way to ask them. */
function findOthers(
  { log, address, fetch, limits: given }: NodeOptions,
  parts: Pick<RouteOptions, 'clock' | 'applicationId' | 'ownership' | 'signal'> & {
    readonly network: Network
  },
) {
  const limits: PeerLimits = { ...PEER_LIMITS, ...given?.peers }
  const { partitions } = parts.network.genesis
  return {
    limits,
    routes: new Routes({ ...parts, log, address, partitions, limits }),
    peers: new Peers({ ...parts, fetch, limits }),
  }
}

export type Services = {
  readonly sequencer: SequencerService | undefined
  readonly dre: DreService | undefined
  readonly relayer: RelayerService | undefined
}

/** Stops the roles together: a partition stands still only as long as its own move takes. */
class Closing {
  readonly #ownership: Ownership
  readonly #stop = new AbortController()
  readonly #under = new Set<Role>()
  #done: Promise<void> | undefined

  constructor(ownership: Ownership) {
    this.#ownership = ownership
  }

  /** Aborted when closing begins: nobody waits for another node then. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  once(action: () => Promise<void>): Promise<void> {
    this.#stop.abort()
    this.#done ??= action()
    return this.#done
  }

  async all(services: Services): Promise<void> {
    const stops = ROLES.map(async (role) => {
      this.#under.add(role)
      await services[role]?.stop()
      this.#under.delete(role)
    })
    const failed = (await Promise.allSettled(stops)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  unfinished(): string[] {
    return [...this.#under].map((role) => {
      const held = this.#ownership.held(role)
      return held.length === 0 ? role : `${role} (partitions ${held.join(', ')})`
    })
  }
}

async function watchedEvaluator(network: Network, options: NodeOptions): Promise<Evaluator> {
  const opened = await openEvaluator(network, options.evaluatorWorkers)
  return options.watchEvaluator?.(opened) ?? opened
}

/** Throws `feature-level-unknown`. */
export async function openEvaluator(network: Network, workers: number): Promise<Evaluator> {
  const { limits } = network.genesis
  checkLevel(network)
  if (workers === 0) return createInlineEvaluator({ limits, host: hostOf(limits) })
  const file = import.meta.url.endsWith('.ts') ? './host.ts' : './host.js'
  const hostUrl = new URL(file, import.meta.url).href
  return createWorkerEvaluator({ limits, workers, hostUrl, hostData: { limits }, levels: LEVELS })
}

function openVerifier(threads: number): RememberingVerifier {
  return rememberVerdicts(threads === 0 ? createInlineVerifier() : createVerifierPool({ threads }))
}
