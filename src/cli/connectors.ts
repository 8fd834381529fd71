// Connectors on the command line: the files that configure them, and a worker that runs them on a
// log. The only file of src/ that knows a connector.
//
// Owners: whoever starts one closes it before the log.

import type { Command } from 'commander'
import type { RunningConnect } from '../../connectors/arweave-sink/index.ts'
import type { Log } from '../log/port.ts'
import type { LocalNode, RunningNode } from '../node/index.ts'
import type { Network } from '../protocol/genesis.ts'
import { systemClock } from '../std/clock.ts'
import type { Reporter } from '../std/reporter.ts'
import { openArchiveToWrite } from './archive-place.ts'
import { DEFAULT_APPLICATION_ID } from './broker.ts'
import { portValue } from './options.ts'
import { ownVersion } from './own-version.ts'

export type RestOptions = { readonly restHost: string; readonly restPort: number }

export type { RunningConnect }

/** The role of `hb start` that runs connectors. */
export const SINK_ROLE = 'arweave-sink'

/**
 * The consumer group of the sink of a network with this application id: Connect's, by the name that
 * its connector is to have.
 */
export function sinkGroup(applicationId: string): string {
  const own = applicationId === DEFAULT_APPLICATION_ID ? '' : `${applicationId}-`
  return `connect-${own}${SINK_ROLE}`
}

/** Connect's own. */
const REST_PORT = 8083

export function restOptions(command: Command): Command {
  return command
    .option(
      '--rest-host <address>',
      "of Connect's REST; it asks nobody who they are",
      '127.0.0.1',
    )
    .option('--rest-port <number>', "of Connect's REST; 0: any", portValue, REST_PORT)
}

export type ConnectorRun = RestOptions & {
  readonly files: readonly string[]
  readonly log: Log
  readonly networkOf: (applicationId: string) => Promise<Network>
  readonly reporter: Reporter
  /** In which connectors keep what is pending. */
  readonly dataDir: string
}

/**
 * Errors: `connector-config-invalid`, `file-unreadable`, `listen-failed`. A connector that cannot
 * run is no error here: the REST says why.
 */
export async function runConnectors(run: ConnectorRun): Promise<RunningConnect> {
  const { files, restHost: host, restPort: port, ...ports } = run
  const sink = await import('../../connectors/arweave-sink/index.ts')
  const configs = await Promise.all(files.map((file) => sink.readConnectorFile(file)))
  return sink.startConnect({
    ...ports,
    configs,
    host,
    port,
    clock: systemClock,
    openArchive: openArchiveToWrite,
    version: await ownVersion(),
  })
}

/**
 * Beside a node and on its log, or one of their own; they end before the node, which is closed
 * where they cannot run. `rest`: where they are reached.
 */
export async function connectorsBeside(
  node: LocalNode,
  run: Omit<ConnectorRun, 'log' | 'networkOf'> & { readonly applicationId: string },
  openLog?: () => Promise<Log>,
): Promise<RunningNode & { readonly rest: string }> {
  const own: { log?: Log } = {}
  const networkOf = async (applicationId: string): Promise<Network> => {
    if (applicationId === run.applicationId) return node.api.network
    const { recordedNetwork } = await import('../node/index.ts')
    return recordedNetwork(own.log ?? node.log, applicationId)
  }
  const end = async (): Promise<void> => {
    try {
      await own.log?.close()
    } finally {
      await node.close()
    }
  }
  try {
    if (openLog !== undefined) own.log = await openLog()
    const connect = await runConnectors({ ...run, networkOf, log: own.log ?? node.log })
    return {
      ...node,
      rest: connect.url,
      unfinished: () => [...connect.unfinished(), ...node.unfinished()],
      close: () => connect.close().finally(end),
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** --connector, as often as wanted. */
export function connectorValue(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}
