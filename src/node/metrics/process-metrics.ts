// The metrics of the OS process under the names that every dashboard for Node knows: CPU, memory,
// event loop delay, garbage collection, handles. prom-client makes them; only this file knows it.
//
// Owners: the HTTP server makes one, at its first scrape: until then nothing is measured, and a
// server that nobody scrapes costs nothing.

import { collectDefaultMetrics, Registry } from 'prom-client'

export type ProcessMetrics = {
  /** In Prometheus' exposition format. */
  text(): Promise<string>
}

export function processMetrics(): ProcessMetrics {
  const register = new Registry()
  collectDefaultMetrics({ register })
  // between two scrapes in one breath nothing was measured: left out, not shown as no number
  const text = async (): Promise<string> =>
    `${(await register.metrics()).trimEnd()}\n`.replaceAll(/^.* nan\n/gim, '')
  return { text }
}
