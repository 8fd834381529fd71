// A message's data as options give it, for `hb send` and `hb dry-run`.

import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { HbError } from '../std/errors.ts'
import { jsonValue } from './options.ts'
import { readable } from './readable.ts'

export type DataOptions = {
  readonly data?: string
  readonly input?: string
  readonly dataFile?: string
}

export function dataOptions(command: Command): Command {
  return command
    .option('--data <text>', 'data as text')
    .option('--input <json>', "data as JSON, the action's input; or @file")
    .option('--data-file <file>', "data: a file's bytes")
}

/** Bytes or text as they are; any other value is meant as JSON. */
export async function messageData({ data, input, dataFile }: DataOptions): Promise<unknown> {
  const given = [data, input, dataFile].filter((one) => one !== undefined)
  if (given.length > 1) throw new HbError('usage', 'give one of --data, --input, --data-file')
  if (input !== undefined) {
    const value = await jsonValue(input, '--input')
    // a text would be sent as it is: as JSON it has quotes
    return typeof value === 'string' ? jsonText(value) : value
  }
  return dataFile === undefined ? data : await readable(dataFile, () => readFile(dataFile))
}

function jsonText(value: string): never {
  throw new HbError(
    'usage',
    `--input ${JSON.stringify(value)}: an object, array, number or boolean; text is --data`,
  )
}
