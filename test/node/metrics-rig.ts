// A real node on a memory log with its HTTP server, and its /metrics read back by a parser of its
// own, which refuses what Prometheus would refuse.

import { createMemoryLog } from '../../src/log/memory/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { EarlyHttpServer, NodeOptions, RunningNode } from '../../src/node/index.ts'
import { composeNode, listenHttp } from '../../src/node/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { createMemoryStore } from '../../src/store/memory/index.ts'

export type Family = {
  readonly type: string
  readonly help: string
  /** By name and labels as they stand in the text. */
  readonly samples: Map<string, number>
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (\S+)$/
const NUMBER = /^([+-]?Inf|[+-]?[0-9.]+(e[+-]?[0-9]+)?)$/

/** Throws where the text is not in the exposition format: families whole, TYPE before samples. */
export function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  let help: [name: string, text: string] = ['', '']
  let open = ''
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    if (line.startsWith('# HELP ')) {
      const [, , name = '', ...words] = line.split(' ')
      help = [name, words.join(' ')]
      continue
    }
    if (line.startsWith('# TYPE ')) {
      const [, , name = '', type = ''] = line.split(' ')
      if (!NAME.test(name) || help[0] !== name) throw new Error(`no HELP before ${line}`)
      if (!/^(counter|gauge|histogram|summary)$/.test(type)) throw new Error(line)
      if (families.has(name)) throw new Error(`${name} comes twice`)
      families.set(name, { type, help: help[1], samples: new Map() })
      open = name
      continue
    }
    const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? []
    const family = families.get(open)
    if (name === '' || !NUMBER.test(value) || family === undefined) throw new Error(`no sample: ${line}`)
    const suffix = name.slice(open.length)
    const fits = /^(histogram|summary)$/.test(family.type)
      ? name.startsWith(open) && /^(_bucket|_sum|_count)?$/.test(suffix)
      : name === open
    if (!fits) throw new Error(`${name} stands under ${open}`)
    if (family.samples.has(name + labels)) throw new Error(`${name}${labels} comes twice`)
    family.samples.set(name + labels, Number(value.replace('Inf', 'Infinity')))
  }
  return families
}

export type Scrape = {
  readonly families: Map<string, Family>
  /** The value of a sample, by its text: `name{label="…"}`. */
  value(sample: string): number | undefined
}

export class MetricsRig {
  readonly log: Log
  readonly node: RunningNode
  readonly http: EarlyHttpServer

  private constructor(log: Log, node: RunningNode, http: EarlyHttpServer) {
    this.log = log
    this.node = node
    this.http = http
  }

  static async open(
    network: Network,
    options: Partial<NodeOptions> = {},
    log: Log = createMemoryLog({ drainTimeoutMs: 50 }),
  ): Promise<MetricsRig> {
    const http = await listenHttp({ network })
    const node = await composeNode({
      genesis: network.genesis,
      log,
      sequencerStore: createMemoryStore(),
      dreStore: createMemoryStore(),
      evaluatorWorkers: 0,
      verifierThreads: 0,
      ...options,
    })
    http.serve(node.api)
    return new MetricsRig(log, node, http)
  }

  async scrape(): Promise<Scrape> {
    const response = await fetch(`${this.http.url}/metrics`)
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
    const families = parseExposition(await response.text())
    const value = (sample: string): number | undefined => {
      for (const { samples } of families.values()) {
        const found = samples.get(sample)
        if (found !== undefined) return found
      }
      return undefined
    }
    return { families, value }
  }

  /** Scrapes until it holds, or throws after so long. */
  async until(holds: (scrape: Scrape) => boolean, timeoutMs = 5_000): Promise<Scrape> {
    for (const deadline = Date.now() + timeoutMs; ; ) {
      const scrape = await this.scrape()
      if (holds(scrape)) return scrape
      if (Date.now() > deadline) throw new Error(`not in time: ${String(holds)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async close(): Promise<void> {
    await this.http.close()
    await this.node.close()
    await this.log.close()
  }
}
