// Every request that the connector's README shows is sent, in its order, and answered as it shows.

import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { CONFIG_KEYS, readConnectorFile } from '../../../connectors/arweave-sink/index.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { ROOT } from '../../guards/tool.ts'
import { ConnectRig } from './connect-rig.ts'

const README = readFileSync(`${ROOT}connectors/arweave-sink/README.md`, 'utf8')
const BLOCKS = /^```sh\n(curl [^]*?)```\n```http\n([^]*?)```$/gm
const EXAMPLES = [...README.matchAll(BLOCKS)].map(([, command = '', answer = '']) => {
  const [head = '', ...rest] = answer.trim().split('\n')
  const [status = '', ...how] = head.split(' ')
  return { command, status: Number(status), isPart: how.join(' ') === 'in part', text: rest.join('\n') }
})

let rig: ConnectRig
beforeAll(async () => void (rig = await ConnectRig.open([12, 5])))
afterAll(() => rig.close())

/** As a shell would split it: quotes, and lines that go on. */
function words(command: string): string[] {
  const found = command.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|(\S+)/g)
  return [...found].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

function requestOf(command: string): { method: string; path: string; body: string | undefined } {
  const given = words(command)
  const after = (flag: string): string | undefined => {
    const at = given.indexOf(flag)
    return at < 0 ? undefined : given[at + 1]
  }
  const url = given.find((word) => word.startsWith('http://127.0.0.1:8083')) ?? ''
  const body = after('-d')
  expect(after('-H')).toBe(body === undefined ? undefined : 'Content-Type: application/json')
  return { method: after('-X') ?? 'GET', path: url.slice('http://127.0.0.1:8083'.length), body }
}

/** The places of the README as those of the test, and back. */
function here(text: string): string {
  return text.replaceAll('./', `${rig.dir}/`)
}
function there(text: string): string {
  return text.replaceAll(`${rig.dir}/`, './').replaceAll(rig.url.slice('http://'.length), '127.0.0.1:8083')
}

test('there are examples of every path and method', () => {
  const shown = EXAMPLES.map(({ command }) => requestOf(command))
  const kinds = new Set(shown.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`))
  expect(kinds.size).toBeGreaterThan(18)
})

const NAMED = EXAMPLES.map((each) => [each.command.split('\n')[0] as string, each] as const)

test.each(NAMED)('%s', async (_, shown) => {
  const { method, path, body } = requestOf(shown.command)
  for (let tried = 0; ; tried++) {
    const answer = await rig.ask(method, path, body === undefined ? undefined : here(body))
    try {
      expect([answer.status, there(answer.text)]).toEqual([shown.status, expect.anything()])
      const seen: unknown = answer.text === '' ? '' : JSON.parse(there(answer.text))
      const wanted: unknown = shown.text === '' ? '' : JSON.parse(shown.text)
      if (shown.isPart) expect(seen).toMatchObject(wanted as object)
      else expect(seen).toEqual(wanted)
      return
    } catch (error) {
      // what is asked for may take a moment; what changes something is asked for once
      if (method !== 'GET' || tried > 500) throw error
      await systemClock.sleep(10)
    }
  }
})

test('its connector.json is one', async () => {
  const [, json = ''] = /^```json\n([^]*?)^```$/m.exec(README) ?? []
  const file = join(rig.dir, 'connector.json')
  await writeFile(file, json)
  const config = await readConnectorFile(file)
  expect(config['name']).toBe('arweave-sink')
  expect(Object.keys(config).filter((key) => !(key in CONFIG_KEYS))).toEqual([])
})
