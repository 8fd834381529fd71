// The nodes of a network, found through their groups, and what each says of itself.

import type { Log } from '../log/port.ts'
import { DEFAULT_APPLICATION_ID, namesBrokers, openBroker } from './broker.ts'
import type { CommandContext } from './context.ts'
import type { NodeAnswer } from './network-status.ts'
import type { UrlOptions } from './options.ts'
import { DEFAULT_URL } from './options.ts'
import { ROLES } from './roles.ts'

/** A node that does not answer is shown as such, and holds nothing up. */
const ONCE = { brokenRetriesMax: 0, busyRetriesMax: 0, requestTimeoutMs: 5_000 }

export async function askNodes(log: Log, applicationId: string): Promise<NodeAnswer[]> {
  const { createClient } = await import('../client/index.ts')
  const found = await Promise.all(ROLES.map((role) => log.members(`${applicationId}.${role}`)))
  const addresses = new Set(found.flat().flatMap(({ address }) => address ?? []))
  return Promise.all(
    [...addresses].sort().map(async (address): Promise<NodeAnswer> => {
      try {
        return { address, health: await createClient({ ...ONCE, url: address }).readiness() }
      } catch (error) {
        return { address, error: (error as Error).message }
      }
    }),
  )
}

/** All that the groups know, or the one that the options name: then its error is thrown. */
export async function nodesOf(
  context: CommandContext,
  options: UrlOptions,
): Promise<readonly NodeAnswer[]> {
  const { url, applicationId = DEFAULT_APPLICATION_ID } = options
  if (url !== undefined || !namesBrokers(options)) {
    const { createClient } = await import('../client/index.ts')
    const address = url ?? context.terminal.env['HB_URL'] ?? DEFAULT_URL
    return [{ address, health: await createClient({ url: address }).readiness() }]
  }
  const log = await openBroker(context, options, 'reader')
  try {
    return await askNodes(log, applicationId)
  } finally {
    await log.close()
  }
}
