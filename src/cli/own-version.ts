// The version of this package.

import { readFile } from 'node:fs/promises'
import { HbError } from '../std/errors.ts'

/** Whether it runs from its sources or built. */
export async function ownVersion(): Promise<string> {
  for (const up of ['../../', '../../../']) {
    const file = new URL(`${up}package.json`, import.meta.url)
    const text = await readFile(file, 'utf8').catch(() => '{}')
    const { name, version } = JSON.parse(text) as { name?: string; version?: string }
    if (name === 'hollowbeam' && version !== undefined) return version
  }
  throw new HbError('internal-error', 'the package has no package.json')
}
