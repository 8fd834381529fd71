// A schema registry on the command line: the options that name it.
//
// Invariant: neither a user nor a password of it is ever printed, wherever they stand.

import type { Command } from 'commander'
import type { RegistryPlace } from '../schemas/index.ts'
import { HbError } from '../std/errors.ts'
import { propertiesIn } from './broker.ts'

export type RegistryOptions = {
  readonly schemaRegistryUrl?: string
  readonly commandConfig?: string
}

export function registryOption(command: Command): Command {
  return command.option(
    '--schema-registry-url <url>',
    'a schema registry (or schema.registry.url in --command-config)',
  )
}

/** Undefined: none is named. Errors: `usage`, `client-properties-invalid`, `file-unreadable`. */
export async function registryPlace(
  { schemaRegistryUrl, commandConfig }: RegistryOptions,
  warn: (text: string) => void = () => undefined,
): Promise<RegistryPlace | undefined> {
  const properties = commandConfig === undefined ? undefined : await propertiesIn(commandConfig)
  for (const warning of properties?.warnings ?? []) warn(`${commandConfig}: ${warning}`)
  const { url = undefined, auth = undefined } = properties?.schemaRegistry ?? {}
  const { isRegistryUrl } = await import('../log/kafka/index.ts')
  if (schemaRegistryUrl !== undefined && !isRegistryUrl(schemaRegistryUrl)) {
    const text = 'one http or https address; a user goes into basic.auth.user.info'
    throw new HbError('usage', `--schema-registry-url: ${text} of --command-config`)
  }
  const named = schemaRegistryUrl ?? url
  if (named === undefined) return undefined
  return { url: named, ...(auth !== undefined && { auth }) }
}
