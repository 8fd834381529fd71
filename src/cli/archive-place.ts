// Archives on the command line: where one is, whose segments count, and signatures checked on all
// cores.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type {
  Archive,
  ArweaveCosts,
  ArweaveSigner,
  ReadArchiveOptions,
} from '../archive/index.ts'
import { isIdText } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'

export type ArchiveOptions = {
  readonly from: string
  readonly owner?: readonly string[]
  readonly signatures?: true
}

const FILE = 'file:'
const ARWEAVE = 'arweave:'

export function archiveOptions(command: Command): Command {
  return command
    .requiredOption('--from <archive>', 'where the archive is: file:PATH or arweave:GATEWAY')
    .option('--owner <address>', 'only what this address signed; may be repeated', ownerValue)
}

export function signaturesOption(command: Command): Command {
  return command.option('--signatures', "verify wallets' signatures too: it takes longer")
}

/** To be read only. */
export async function openArchive(from: string): Promise<Archive> {
  if (from.startsWith(ARWEAVE)) return openArweave(from)
  const dir = directoryOf(from)
  if (!existsSync(dir)) throw new HbError('archive-absent', dir)
  const { openFileArchive } = await import('../archive/index.ts')
  return openFileArchive({ dir })
}

/** To be written to; a directory is made when the first item is. */
export async function openArchiveToWrite(from: string, signer: ArweaveSigner): Promise<Archive> {
  const { openArweaveArchive, openFileArchive } = await import('../archive/index.ts')
  if (!from.startsWith(ARWEAVE)) return openFileArchive({ dir: directoryOf(from), signer })
  return openArweaveArchive({ gateway: from.slice(ARWEAVE.length), signer })
}

/** To be read only; and what posting to it costs. */
export async function openArweave(from: string): Promise<Archive & ArweaveCosts> {
  if (!from.startsWith(ARWEAVE)) {
    throw new HbError('usage', `--from ${from}: write it as arweave:GATEWAY, files cost nothing`)
  }
  const { openArweaveArchive } = await import('../archive/index.ts')
  return openArweaveArchive({ gateway: from.slice(ARWEAVE.length) })
}

function directoryOf(from: string): string {
  if (from.startsWith(FILE) && from !== FILE) return resolve(from.slice(FILE.length))
  throw new HbError('usage', `archive ${from}: write it as file:PATH or arweave:GATEWAY`)
}

/** What --owner and --signatures ask for; closed when `use` is done. */
export async function withChecks<T>(
  { owner, signatures }: ArchiveOptions,
  use: (checks: Pick<ReadArchiveOptions, 'owners' | 'checkItems'>) => Promise<T>,
): Promise<T> {
  const owners = owner !== undefined && { owners: owner }
  if (signatures !== true) return use({ ...owners })
  const { availableParallelism } = await import('node:os')
  const { createVerifierPool } = await import('../verifier/index.ts')
  const verifier = createVerifierPool({ threads: availableParallelism() })
  try {
    return await use({
      ...owners,
      async checkItems(items) {
        const verdicts = await verifier.verify(items.map(({ bytes }) => bytes))
        verdicts.forEach((verdict, index) => {
          if (verdict.ok) return
          throw new HbError(verdict.code, `message ${items[index]?.id}: ${verdict.text}`)
        })
      },
    })
  } finally {
    await verifier.close()
  }
}

export function networkValue(text: string): string {
  if (isIdText(text)) return text
  throw new HbError('usage', `--network ${text}: not a network's id`)
}

export function ownerValue(text: string, before: readonly string[] = []): string[] {
  if (!isIdText(text)) throw new HbError('usage', `--owner ${text}: not an address`)
  return [...before, text]
}
