// Legs of messages as spans of OpenTelemetry, for a program that registered a tracer; only this
// file knows its API.
//
// Invariants: G1 without a registered tracer nothing is made: what came is carried on. G2 a leg's
// span is a child of what came with the message, so that a whole crank is one trace. G3 a trace
// begins where a message comes in, at the door or in ingress, and nowhere later.

import type { Context, Tracer } from '@opentelemetry/api'
import {
  context,
  createTraceState,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { LegName, Trace, Tracing } from '../std/trace.ts'
import { carryTracing } from '../std/trace.ts'

const NAME = 'hollowbeam'

const BEGINS: ReadonlySet<LegName> = new Set<LegName>(['hb.submit', 'hb.sequence'])

const KINDS: Readonly<Record<LegName, SpanKind>> = {
  'hb.submit': SpanKind.PRODUCER,
  'hb.sequence': SpanKind.CONSUMER,
  'hb.evaluate': SpanKind.CONSUMER,
  'hb.relay': SpanKind.PRODUCER,
}

export function openTelemetryTracing(): Tracing {
  const carried = carryTracing()
  return {
    begin(name, parent, partition, process, message) {
      const tracer = registered()
      if (tracer === undefined) return carried.begin(name, parent, partition, process, message)
      if (parent === undefined && !BEGINS.has(name)) return undefined
      const attributes = {
        'hb.partition': partition,
        'hb.process': process,
        'hb.message': message,
      }
      const options = { kind: KINDS[name], attributes }
      const span = tracer.startSpan(name, options, contextOf(name, parent))
      const { traceId, spanId, traceFlags, traceState } = span.spanContext()
      const flags = traceFlags.toString(16).padStart(2, '0')
      const state = traceState?.serialize() ?? ''
      return {
        trace: { parent: `00-${traceId}-${spanId}-${flags}`, ...(state !== '' && { state }) },
        end(code) {
          if (code !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: code })
          span.end()
        },
      }
    },
  }
}

/** The tracer of whoever registered one, at whatever time. */
function registered(): Tracer | undefined {
  const provider = trace.getTracerProvider()
  // of another copy of the API it is no proxy of ours: then somebody made it
  if (!(provider instanceof ProxyTracerProvider)) return provider.getTracer(NAME)
  return provider.getDelegateTracer(NAME)
}

function contextOf(name: LegName, parent: Trace | undefined): Context {
  // at the door an instrumented server may have begun a span, of this very header
  if (name === 'hb.submit' && trace.getActiveSpan() !== undefined) return context.active()
  if (parent === undefined) return ROOT_CONTEXT
  const [, traceId = '', spanId = '', flags = ''] = parent.parent.split('-')
  const came = { traceId, spanId, traceFlags: parseInt(flags, 16) & 1, isRemote: true }
  const { state } = parent
  const traceState = state === undefined ? {} : { traceState: createTraceState(state) }
  return trace.setSpanContext(ROOT_CONTEXT, { ...came, ...traceState })
}
