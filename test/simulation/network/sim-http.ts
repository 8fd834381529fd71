// HTTP between nodes: what one asks another, over a network that loses and delays. It answers the
// two questions that nodes ask (src/node/peers.ts), as the routes of src/node/http do for a request
// that another node forwards.

import type { NodeApi } from '../../../src/node/index.ts'
import type { Fetch } from '../../../src/node/peers.ts'
import { isHbError } from '../../../src/std/errors.ts'
import type { Host } from '../world/host.ts'
import { MS, SECOND } from '../world/world.ts'
import type { World } from '../world/world.ts'

export type Served = { readonly host: Host; readonly api: NodeApi | undefined }

export type HttpFaults = { isOn: boolean; readonly lost: number; readonly slow: number }

/** Hears what a node gives as an answer, in the instant in which it does. */
export type HttpObserver = (node: string, value: unknown) => void

type Wire = { readonly status: number; readonly text: string }

export class SimHttp {
  readonly faults: HttpFaults
  readonly observers: HttpObserver[] = []
  readonly #world: World
  readonly #find: (address: string) => Served | undefined

  constructor(
    world: World,
    faults: HttpFaults,
    find: (address: string) => Served | undefined,
  ) {
    this.#world = world
    this.faults = faults
    this.#find = find
  }

  /** `fetch` as the programs of one host have it. */
  fetchFrom(host: Host): Fetch {
    return async (url, { signal }) => {
      const { origin, pathname, searchParams } = new URL(url)
      const ask = (api: NodeApi): Promise<unknown> => answer(api, pathname, searchParams)
      const { status, text } = await this.request(host, origin, signal, ask)
      return new Response(text, { status })
    }
  }

  /**
   * Runs `ask` on the node at an address and brings back what it gave, as JSON with a status.
   * Rejects where the node is not there or the way is broken, and at the signal.
   */
  request(
    from: Host,
    address: string,
    signal: AbortSignal,
    ask: (api: NodeApi) => Promise<unknown>,
  ): Promise<Wire> {
    const answered = new Promise<Wire>((resolve, reject) => {
      const fail = (why: string): void => from.resume(() => reject(new Error(why)))
      const abort = (): void => fail('aborted')
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort, { once: true })
      const back = (wire: Wire): void => {
        if (this.#isLost()) return
        this.#world.after(this.#wayUs(), () => {
          from.resume(() => {
            signal.removeEventListener('abort', abort)
            resolve(wire)
          })
        })
      }
      from.calling(() => {
        if (this.#isLost()) return
        this.#world.after(this.#wayUs(), () => {
          const served = this.#find(address)
          if (served?.api === undefined || !served.host.isAlive) {
            this.#world.after(this.#wayUs(), () => fail('connection refused'))
            return
          }
          const { api, host } = served
          host.resume(() => {
            ask(api).then(
              (value) => {
                const status = value === undefined ? 404 : 200
                if (!host.isAlive) return
                for (const observer of this.observers) observer(host.name, value)
                back({ status, text: JSON.stringify(value ?? null) })
              },
              (error: unknown) => {
                const code = isHbError(error) ? error.code : 'internal-error'
                if (host.isAlive) back({ status: 503, text: JSON.stringify({ error: { code } }) })
              },
            )
          })
        })
      })
    })
    return from.gauges.during('requests', answered)
  }

  /** What is lost is never answered: the asker's own time-out ends it. */
  #isLost(): boolean {
    const { isOn, lost } = this.faults
    const isLost = isOn && lost > 0 && this.#world.random('http').float() < lost
    if (isLost) this.#world.saw('a request between nodes is lost')
    return isLost
  }

  #wayUs(): number {
    const random = this.#world.random('http')
    const { isOn, slow } = this.faults
    if (isOn && slow > 0 && random.float() < slow) return random.below(3 * SECOND)
    return 100 + random.below(MS)
  }
}

async function answer(api: NodeApi, path: string, query: URLSearchParams): Promise<unknown> {
  const id = /^\/messages\/([^/]+)$/.exec(path)?.[1]
  if (id !== undefined) {
    const stage = query.get('wait')
    if (stage !== 'sequenced' && stage !== 'result') return api.message(id, 'node')
    const status = await api.message(id, 'node')
    if (status !== undefined && reached(status.stage, stage)) return status
    const later = await api.waitFor(id, stage, Number(query.get('timeout') ?? 0), 'node')
    return later.stage === 'pending' ? ((await api.message(id, 'node')) && later) : later
  }
  if (path !== '/processes') throw new Error(`nothing is served at ${path}`)
  const after = query.get('after')
  return api.part({ limit: Number(query.get('limit')), ...(after !== null && { after }) })
}

function reached(at: string, stage: 'sequenced' | 'result'): boolean {
  return at === 'evaluated' || at === 'refused' || (stage === 'sequenced' && at === stage)
}
