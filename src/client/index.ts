// The door of the client: what a program that talks to a node imports.

import type { Bundle } from './bundle.ts'

export {
  createClient,
  type Client,
  type ClientOptions,
  type Page,
  type Stage,
  type WaitOptions,
} from './client.ts'
export type { DryRunSpec } from '../protocol/dry-run.ts'
export { frameBatch } from './batch.ts'
export type { Bundle } from './bundle.ts'
export {
  messageFields,
  spawnFields,
  type Allowance,
  type MessageSpec,
  type NetworkPlace,
  type SpawnSpec,
  type TagList,
} from './message-fields.ts'
export type { TailOptions } from './tail.ts'
export type * from './views.ts'
export {
  generateWallet,
  loadWallet,
  saveWallet,
  Wallet,
  walletFromJwk,
  type WalletKind,
} from './wallet.ts'

/**
 * A contract's file as the text that a spawn carries; see bundle.ts. The bundler is loaded when it
 * is first needed.
 */
export async function bundleContract(path: string): Promise<Bundle> {
  const { bundleContract: bundle } = await import('./bundle.ts')
  return bundle(path)
}
