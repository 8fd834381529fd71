// Crash everywhere: a small workload on one node, run once to count the calls that the node makes,
// and then once for each call and each side of it (the request not yet out, or already out), with
// the node killed right there and started again a moment later.
//
// Invariants: E1 what wallets send is fixed, and adds up to the same whatever the order: so every
// run must end with the balances of the run without a crash. E2 nothing else goes wrong.

import { messageFields } from '../../../src/client/index.ts'
import { NO_ARCHIVE } from '../archive/plan.ts'
import { NO_FAULTS } from '../broker/faults.ts'
import type { Workload } from '../load/workload.ts'
import type { SimNetwork } from '../network/sim-network.ts'
import type { PlanChanges } from '../plan.ts'
import type { SimReport } from '../run.ts'
import { simulate } from '../run.ts'
import { MS } from '../world/world.ts'

/** One place to crash at: before or after the request of the n-th call has gone out. */
export type CrashPoint = { readonly call: number; readonly written: boolean }

export type CrashReport = {
  readonly seed: number
  /** Calls of the node while it had something to do. */
  readonly calls: number
  readonly runs: number
  readonly violations: readonly CrashViolation[]
}

export type CrashViolation = CrashPoint & { readonly invariant: string; readonly text: string }

export type CrashOptions = {
  readonly seed: number
  /** Every so many calls; 1: at each. */
  readonly every: number
  readonly say: (line: string) => void
}

const MESSAGES_PER_WALLET = 4
const DOWN_MS = 500
/** Long enough for the session of who crashed to end, and all to be done twice. */
const SECONDS = 30

export async function crashEverywhere({ seed, every, say }: CrashOptions): Promise<CrashReport> {
  let calls = 0
  const quiet = await simulate(seed, {
    changes: PLAN,
    draft: scripted(),
    prepare: (sim) => countCalls(sim, (count) => void (calls = count)),
  })
  const found: CrashViolation[] = quiet.violations.map((each) => {
    return { call: 0, written: false, ...each }
  })
  const wanted = amounts(quiet)
  say(`${calls} calls without a crash, ${quiet.figures?.entries ?? 0} entries`)
  let runs = 0
  for (let call = 1; call <= calls; call += every) {
    for (const written of [false, true]) {
      const point = { call, written }
      const more = await crashAt(seed, point, wanted)
      for (const each of more) say(`call ${call} written ${written}: ${JSON.stringify(each)}`)
      found.push(...more)
      runs += 1
    }
    if (call % 50 < every) say(`call ${call} of ${calls}, ${found.length} violations`)
  }
  return { seed, calls, runs, violations: found }
}

async function crashAt(seed: number, at: CrashPoint, wanted: string): Promise<CrashViolation[]> {
  let crashed = false
  const report = await simulate(seed, {
    changes: PLAN,
    draft: scripted(),
    prepare: (sim) => crashOnce(sim, at, () => void (crashed = true)),
  })
  const found: { invariant: string; text: string }[] = [...report.violations]
  if (!crashed) found.push({ invariant: 'crashes', text: 'the node never came to the call' })
  if (found.length === 0 && amounts(report) !== wanted) {
    found.push({ invariant: 'same-balances', text: `${amounts(report)} instead of ${wanted}` })
  }
  return found.map((each) => ({ ...at, ...each }))
}

const PLAN: PlanChanges = {
  seconds: SECONDS,
  messagesPerSecond: 8,
  wallets: 2,
  partitions: 2,
  intervalLength: 16,
  nodes: [['sequencer', 'dre', 'relayer']],
  standbys: 0,
  rates: NO_FAULTS,
  http: { lost: 0, slow: 0 },
  eventSeconds: 0,
  events: {},
  archive: NO_ARCHIVE,
}

/** Tells the calls that the first host had made when something was last written or committed. */
function countCalls(sim: SimNetwork, tell: (calls: number) => void): void {
  const note = (): void => tell(sim.nodes[0]?.host.calls ?? 0)
  sim.cluster.observers.push({ appended: note, committed: note })
}

function crashOnce(sim: SimNetwork, at: CrashPoint, onCrash: () => void): void {
  const [node] = sim.nodes
  if (node === undefined) return
  node.onHost = (host) => {
    node.onHost = undefined
    host.crashAt = at
    host.onDeath(() => {
      onCrash()
      sim.world.after(DOWN_MS * MS, () => node.start())
    })
  }
}

/** Each wallet's own list: transfers to the others and to players, and balls for the players. */
function scripted(): Workload['draft'] {
  const sent = new Map<string, number>()
  return ({ network, generation, wallet, wallets }) => {
    const count = sent.get(wallet.address) ?? 0
    if (count === MESSAGES_PER_WALLET) return undefined
    sent.set(wallet.address, count + 1)
    const at = wallets.indexOf(wallet)
    const place = { network: network.id, generation }
    const idOf = (name: string): string => network.processIds.get(name) as string
    if (count === MESSAGES_PER_WALLET - 1) {
      const target = idOf(`ping-${at % 2}`)
      return { fields: messageFields(place, { target, action: 'Serve', hops: 3 }) }
    }
    const other = wallets[(at + 1) % wallets.length] ?? wallet
    const recipient = count === 1 ? idOf('pong-0') : other.address
    const tags = { Recipient: recipient, Quantity: String(1 + at * 10 + count) }
    const target = idOf(`token-${count % 2}`)
    return { fields: messageFields(place, { target, action: 'Transfer', tags }) }
  }
}

/** Whatever is counted in the states, in one order: balances and turns. */
function amounts({ states }: SimReport): string {
  const rows = [...states].flatMap(([id, text]) => {
    const state = JSON.parse(text) as { balances?: Record<string, string>; turns?: number }
    const counted = { ...state.balances, ...(state.turns !== undefined && { turns: state.turns }) }
    return Object.entries(counted).map(([name, amount]) => `${id}/${name}=${amount}`)
  })
  return rows.sort().join(' ')
}
