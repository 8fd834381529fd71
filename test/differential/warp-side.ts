// Warp's side of the comparison: a contract and its interactions on warp-contracts, offline, with
// loaders of our own and caches in memory; one readState over all of it, as its DREs do, and what
// its executor gave for each interaction on the way. What Warp passes over is not executed.
//
// warp-contracts is installed in warp/ alone (`npm run test:warp`), and is no sandbox: only
// contracts of the corpus may run here.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { CorpusContract } from './corpus.ts'
import type { Interaction } from './interaction.ts'

/** What one interaction came to, on either side. */
export type Outcome = {
  readonly verdict: 'ok' | 'error' | 'exception' | 'skipped'
  /** Of an error: its message; of an exception: its first line. */
  readonly text: string
  /** JSON text after it. */
  readonly state: string
  readonly result?: unknown
  readonly event?: unknown
}

const PROJECT = fileURLToPath(new URL('./warp/', import.meta.url))

export function isWarpInstalled(): boolean {
  return existsSync(`${PROJECT}node_modules/warp-contracts/package.json`)
}

type Handled = {
  readonly type: 'ok' | 'error' | 'exception'
  readonly errorMessage?: string
  readonly result: unknown
  readonly state: unknown
  readonly event: { readonly data: unknown } | null
}
type Handler = { handle(context: unknown, current: unknown, data: Interacted): Promise<Handled> }
type Interacted = { readonly interactionTx: { readonly id: string } }
type Options = Readonly<Record<string, unknown>>
type Executors = { create(...args: unknown[]): Promise<Handler> }
type Builder = {
  _executorFactory: Executors
  setDefinitionLoader(loader: unknown): Builder
  setInteractionsLoader(loader: unknown): Builder
  setExecutorFactory(factory: unknown): Builder
  build(): Warp
}
type Warp = {
  useKVStorageFactory(factory: (id: string) => unknown): Warp
  contract(id: string): {
    setEvaluationOptions(options: Options): { readState(): Promise<unknown> }
  }
}
type Package = {
  WarpFactory: { custom(arweave: unknown, cache: Options, environment: string): Builder }
  LevelDbCache: new (options: Options) => unknown
  LoggerFactory: { INST: { logLevel(level: string): void } }
}

type Seen = (id: string, handled: Handled) => void

function load(): { warp: Package; arweave: unknown } {
  const require = createRequire(`${PROJECT}package.json`)
  const { default: Arweave = require('arweave') } = require('arweave')
  const warp = require('warp-contracts') as Package
  warp.LoggerFactory.INST.logLevel('none')
  // nothing answers there: whatever would leave this machine fails at once
  return { warp, arweave: Arweave.init({ host: '127.0.0.1', port: 9, protocol: 'http' }) }
}

function definitions({ id, owner, sourceId, sources, state }: CorpusContract): unknown {
  return {
    load: async (_id: string, evolved = sourceId) => {
      const src = sources[evolved]
      if (src === undefined) throw new Error(`no source ${evolved}`)
      const common = { txId: id, owner, minFee: null, contractType: 'js', testnet: null }
      const none = { srcBinary: null, srcWasmLang: null, contractTx: null, srcTx: null }
      return { ...common, ...none, srcTxId: evolved, src, initState: structuredClone(state) }
    },
    type: () => 'warp',
  }
}

function loader(interactions: readonly Interaction[]): unknown {
  return { load: async () => interactions, type: () => 'warp', clearCache: () => undefined }
}

/** The executor factory of the builder, with a look at what each interaction gave. */
function watched(factory: Executors, seen: Seen): unknown {
  return {
    checkWhiteListContractSources: () => undefined,
    create: async (...args: unknown[]) => {
      const handler = await factory.create(...args)
      const handle = handler.handle.bind(handler)
      handler.handle = async (context, current, data) => {
        const handled = await handle(context, current, data)
        seen(data.interactionTx.id, handled)
        return handled
      }
      return handler
    },
  }
}

/** Resolves with how to evaluate all of it once. */
export function openWarp(
  contract: CorpusContract,
  interactions: readonly Interaction[],
  seen?: Seen,
): () => Promise<unknown> {
  const { warp, arweave } = load()
  const cache = { inMemory: true, dbLocation: 'memory' }
  const builder = warp.WarpFactory.custom(arweave, cache, 'custom')
    .setDefinitionLoader(definitions(contract))
    .setInteractionsLoader(loader(interactions))
  if (seen !== undefined) builder.setExecutorFactory(watched(builder._executorFactory, seen))
  const kv = new warp.LevelDbCache({ inMemory: true, dbLocation: 'memory/kv' })
  const options = { useKVStorage: contract.usesKv, ignoreExceptions: true }
  const opened = builder
    .build()
    .useKVStorageFactory(() => kv)
    .contract(contract.id)
    .setEvaluationOptions(options)
  return () => opened.readState()
}

/** What each interaction came to, by Warp. */
export async function warpOutcomes(
  contract: CorpusContract,
  interactions: readonly Interaction[],
): Promise<Outcome[]> {
  const handled = new Map<string, Outcome>()
  await openWarp(contract, interactions, (id, { type, errorMessage = '', ...rest }) => {
    const text = type === 'exception' ? (errorMessage.split('\n')[0] ?? '') : errorMessage
    const event = rest.event?.data
    handled.set(id, {
      verdict: type,
      text: type === 'ok' ? '' : text,
      state: JSON.stringify(rest.state),
      ...(type === 'ok' && rest.result !== undefined && { result: plain(rest.result) }),
      ...(type === 'ok' && event !== undefined && { event: plain(event) }),
    })
  })()
  let state = JSON.stringify(contract.state)
  return interactions.map(({ id }) => {
    const outcome = handled.get(id) ?? { verdict: 'skipped', text: '', state }
    state = outcome.state
    return outcome
  })
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
