// Where a message's way through the network is told to those who trace it: W3C trace context,
// carried in headers of HTTP and of records.
//
// Invariants: T1 nothing that is hashed, signed or replayed knows of it: headers only. T2 a header
// that is not as it must be, in form and in length, is none: it comes from outside. T3 what came
// without one goes on without one, unless somebody traces here. T4 a tracestate goes with its
// traceparent or not at all; where it is none, or there is no room for it, the traceparent stays.

const PARENT_HEADER = 'traceparent'
const STATE_HEADER = 'tracestate'
/** On a run: `<height>:<traceparent>`, with commas, of results that have one and sent something. */
const RUN_PARENTS_HEADER = 'hb-traceparents'
/** The same of tracestates, which have commas of their own: percent-encoded. */
const RUN_STATES_HEADER = 'hb-tracestates'
/** Of the tracestates of a run, bytes: those of later heights are left out. */
export const RUN_STATES_BYTES_MAX = 65_536

/** What comes with a message and names its trace. */
export type Trace = {
  readonly parent: string
  /** What vendors add to it. */
  readonly state?: string
}

/** A message's legs from the door to the next process's ingress. */
export type LegName = 'hb.submit' | 'hb.sequence' | 'hb.evaluate' | 'hb.relay'

/** One leg of one message, under way. */
export type Leg = {
  /** For the headers of what this leg writes. */
  readonly trace: Trace
  /** `code`: of an error, where the message goes no further. */
  end(code?: string): void
}

export type Tracing = {
  /** `parent`: what came with the message. undefined: there is nothing to carry on. */
  begin(
    name: LegName,
    parent: Trace | undefined,
    partition: number,
    process: string,
    message: string,
  ): Leg | undefined
}

const ANY_VERSION = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const LENGTH = 55
/** Of a tracestate, by the standard. */
const STATE_LENGTH_MAX = 512
const STATE_MEMBERS_MAX = 32
const STATE_KEY = /^([a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})$/
const STATE_VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/

/** Nobody traces here: what came goes on as it is. */
export function carryTracing(): Tracing {
  const end = (): void => undefined
  return {
    begin: (_, parent) => (parent === undefined ? undefined : { trace: parent, end }),
  }
}

/** What came with headers: a record, a request. */
export type Carrier = {
  readonly headers?: Readonly<Record<string, unknown>>
  /** One of them, where that is cheaper. */
  header?(name: string): string | undefined
}

/** The trace that came with it, if one did. */
export function traceOf(carrier: Carrier): Trace | undefined {
  const parent = headerOf(carrier, PARENT_HEADER)
  if (typeof parent !== 'string' || !isTraceparent(parent)) return undefined
  return traceOfTexts(parent, headerOf(carrier, STATE_HEADER))
}

/** Of a leg: on what it writes. */
export function traceHeaders({ trace }: Leg): Readonly<Record<string, string>> {
  const { parent, state } = trace
  const headers = { [PARENT_HEADER]: parent }
  return state === undefined ? headers : { ...headers, [STATE_HEADER]: state }
}

/** About the bytes that the headers of a trace take. */
export function traceBytes({ trace }: Leg): number {
  const { parent, state } = trace
  const named = PARENT_HEADER.length + parent.length + 6
  return state === undefined ? named : named + STATE_HEADER.length + state.length + 6
}

function traceOfTexts(parent: string, stateText: unknown): Trace {
  const state = typeof stateText === 'string' ? tracestateIn(stateText) : undefined
  return state === undefined ? { parent } : { parent, state }
}

function headerOf(carrier: Carrier, name: string): unknown {
  return carrier.header === undefined ? carrier.headers?.[name] : carrier.header(name)
}

function isTraceparent(text: string): boolean {
  return text.length === LENGTH && ANY_VERSION.test(text)
}

/** Without the blanks and empty members that the standard allows; undefined: it is none. */
function tracestateIn(text: string): string | undefined {
  if (text.length > STATE_LENGTH_MAX) return undefined
  const members = text.split(',').map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ''))
  const named = members.filter((each) => each !== '')
  if (named.length === 0 || named.length > STATE_MEMBERS_MAX) return undefined
  const keys = new Set<string>()
  for (const each of named) {
    const at = each.indexOf('=')
    const key = each.slice(0, Math.max(0, at))
    if (!STATE_KEY.test(key) || !STATE_VALUE.test(each.slice(at + 1)) || keys.has(key)) return
    keys.add(key)
  }
  return named.join(',')
}

/** Headers of a run: of traces by height, those from `from` on, `count` heights. */
export function runTraces(
  traces: ReadonlyMap<number, Trace>,
  from: number,
  count: number,
): Readonly<Record<string, string>> {
  const parents: string[] = []
  const states: string[] = []
  let room = RUN_STATES_BYTES_MAX
  for (let height = from; height < from + count; height++) {
    const trace = traces.get(height)
    if (trace === undefined) continue
    parents.push(`${height}:${trace.parent}`)
    if (trace.state === undefined) continue
    const state = `${height}:${encodeURIComponent(trace.state)}`
    room -= state.length + 1
    if (room >= 0) states.push(state)
  }
  return {
    ...(parents.length > 0 && { [RUN_PARENTS_HEADER]: parents.join(',') }),
    ...(states.length > 0 && { [RUN_STATES_HEADER]: states.join(',') }),
  }
}

/** Traces by height of a run; undefined: there are none. */
export function tracesOfRun(run: Carrier): ReadonlyMap<number, Trace> | undefined {
  const parents = byHeight(headerOf(run, RUN_PARENTS_HEADER))
  if (parents === undefined) return undefined
  const states = byHeight(headerOf(run, RUN_STATES_HEADER))
  const traces = new Map<number, Trace>()
  for (const [height, parent] of parents) {
    if (!isTraceparent(parent)) continue
    traces.set(height, traceOfTexts(parent, decoded(states?.get(height))))
  }
  return traces
}

function byHeight(text: unknown): ReadonlyMap<number, string> | undefined {
  if (typeof text !== 'string') return undefined
  const found = new Map<number, string>()
  for (const each of text.split(',')) {
    const [height = '', value = ''] = each.split(':', 2)
    if (/^[0-9]{1,15}$/.test(height)) found.set(Number(height), value)
  }
  return found
}

function decoded(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
