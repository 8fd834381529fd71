// Where a message's way through the network is told to those who trace it: W3C trace context,
// carried in headers of HTTP and of records.
//
// Invariants: T1 nothing that is hashed, signed or replayed knows of it: headers only. T2 a header
// that is not as it must be, in form and in length, is none: it comes from outside. T3 what came
// without one goes on without one, unless somebody traces here.

export const TRACE_HEADER = 'traceparent'
/** On a run: `<height>:<traceparent>`, with commas, of results that have one and sent something. */
export const RUN_TRACES_HEADER = 'hb-traceparents'

/** A message's legs from the door to the next process's ingress. */
export type LegName = 'hb.submit' | 'hb.sequence' | 'hb.evaluate' | 'hb.relay'

/** One leg of one message, under way. */
export type Leg = {
  /** For the header of what this leg writes. */
  readonly traceparent: string
  /** `code`: of an error, where the message goes no further. */
  end(code?: string): void
}

export type Tracing = {
  /** `parent`: what came with the message. undefined: there is nothing to carry on. */
  begin(
    name: LegName,
    parent: string | undefined,
    partition: number,
    process: string,
    message: string,
  ): Leg | undefined
}

const ANY_VERSION = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const LENGTH = 55

/** Nobody traces here: what came goes on as it is. */
export function carryTracing(): Tracing {
  const end = (): void => undefined
  return {
    begin: (_, parent) => (parent === undefined ? undefined : { traceparent: parent, end }),
  }
}

/** What came with headers: a record, a request. */
export type Carrier = {
  readonly headers?: Readonly<Record<string, unknown>>
  /** One of them, where that is cheaper. */
  header?(name: string): string | undefined
}

/** The trace that came with it, if one did. */
export function traceOf(carrier: Carrier): string | undefined {
  const text = headerOf(carrier, TRACE_HEADER)
  return typeof text === 'string' && isTraceparent(text) ? text : undefined
}

function headerOf(carrier: Carrier, name: string): unknown {
  return carrier.header === undefined ? carrier.headers?.[name] : carrier.header(name)
}

export function isTraceparent(text: string): boolean {
  return text.length === LENGTH && ANY_VERSION.test(text)
}

/** Of traces by height, those from `from` on, `count` heights; undefined: there are none. */
export function runTraces(
  traces: ReadonlyMap<number, string>,
  from: number,
  count: number,
): string | undefined {
  const texts: string[] = []
  for (let height = from; height < from + count; height++) {
    const trace = traces.get(height)
    if (trace !== undefined) texts.push(`${height}:${trace}`)
  }
  return texts.length === 0 ? undefined : texts.join(',')
}

/** Traces by height of a run; undefined: there are none. */
export function tracesOfRun(run: Carrier): ReadonlyMap<number, string> | undefined {
  const text = headerOf(run, RUN_TRACES_HEADER)
  if (typeof text !== 'string') return undefined
  const traces = new Map<number, string>()
  for (const each of text.split(',')) {
    const [height = '', trace = ''] = each.split(':', 2)
    if (/^[0-9]{1,15}$/.test(height) && isTraceparent(trace)) traces.set(Number(height), trace)
  }
  return traces
}
