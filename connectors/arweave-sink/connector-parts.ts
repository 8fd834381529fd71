// What a connector works with while it runs: its network, archive and store, opened by its
// configuration.
//
// Invariant: P1 what was opened is closed, in the opposite order, also where the next one fails.

import { join } from 'node:path'
import type {
  Archive,
  ArweaveSigner,
  Clock,
  Log,
  Network,
  Reporter,
  Store,
} from '../../src/index.ts'
import { HbError, isHbError, loadWallet, openLmdbStore } from '../../src/index.ts'
import type { SinkConfig } from './config.ts'
import { provisionQueue } from './dead-letters.ts'
import { SharedSink } from './sink.ts'

/** What the worker hands to its connectors. */
export type WorkerPorts = {
  readonly log: Log
  readonly clock: Clock
  readonly reporter: Reporter
  /** The network whose topics have this prefix. */
  readonly networkOf: (applicationId: string) => Promise<Network>
  readonly openArchive: (locator: string, signer: ArweaveSigner) => Promise<Archive>
  /** Where connectors keep what is pending, unless they name a directory. */
  readonly dataDir: string
}

export type Parts = {
  readonly network: Network
  readonly archive: Archive
  readonly store: Store
  readonly shared: SharedSink
  close(): Promise<void>
}

export function pendingDir(config: SinkConfig, { dataDir }: WorkerPorts): string {
  return config.pendingDir ?? join(dataDir, 'connect', config.name)
}

/** Errors: `network-unknown`, `file-unreadable`, those of wallet, archive, store and log. */
export async function openParts(config: SinkConfig, ports: WorkerPorts): Promise<Parts> {
  const { log, reporter } = ports
  const network = await ports.networkOf(config.applicationId)
  const signer = await walletIn(config.walletFile)
  await provisionQueue({ config, log, reporter })
  const archive = await ports.openArchive(config.archive, signer)
  try {
    const store = await openLmdbStore({ dir: pendingDir(config, ports), durable: true })
    const close = async (): Promise<void> => {
      await store.close()
      await archive.close()
    }
    return { network, archive, store, shared: new SharedSink(config.limits), close }
  } catch (error) {
    await archive.close()
    throw error
  }
}

async function walletIn(path: string): Promise<ArweaveSigner> {
  try {
    return await loadWallet(path)
  } catch (cause) {
    if (isHbError(cause)) throw cause
    throw new HbError('file-unreadable', path, { cause })
  }
}
