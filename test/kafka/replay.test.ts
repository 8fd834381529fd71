// The commands that replay, on the topics of a real broker, beside the node that runs there.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { hb, running } from '../cli/terminal-double.ts'
import { until } from '../node/fleet.ts'
import { EDITOR } from '../replay/recorded-node.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'

describeKafka('replay on a broker', () => {
  test('verify, states of before, other code and a rebuild', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hb-kafka-replay-'))
    const { bootstrapServers } = await sharedKafka()
    const application = ['--application-id', `replay-${randomUUID()}`]
    const brokers = ['--bootstrap-server', bootstrapServers, ...application]
    const data = ['--data', join(folder, 'node')]
    const env = { HB_WALLET: join(folder, 'me.json') }
    await hb(['keys', 'generate', '--out', env.HB_WALLET])
    const stop = new AbortController()
    const options = ['--port', '0', '--json', '--partitions', '2']
    const node = running(['start', ...brokers, ...data, ...options], { signal: stop.signal })
    await Promise.race([until(() => node.out.length > 0), node.done])
    const contract = join(folder, 'editor.ts')
    const source = `// @ts-nocheck\n${EDITOR.replace('exports.handle =', 'export const handle =')}`
    await writeFile(contract, source)
    const command = async (...args: string[]) => {
      const ran = await hb([...args, ...brokers, '--json'], env)
      return { code: ran.code, view: JSON.parse(ran.out.at(-1) ?? '{}') as Record<string, unknown> }
    }
    const id = (await command('spawn', contract)).view['process'] as string
    for (let n = 0; n < 5; n++) {
      const input = JSON.stringify({ set: ['x', n] })
      expect((await command('send', id, '--action', 'Edit', '--input', input)).code).toBe(0)
    }
    const verified = await command('replay', '--verify')
    expect(verified).toMatchObject({ code: 0, view: { ok: true } })
    // the node was found by the brokers
    expect(verified.view['node']).toMatch(/^http/)
    expect((await command('state', id, '--at-slot', '3')).view).toMatchObject({
      slot: 3,
      state: { count: 4, x: 2 },
    })
    const { patch } = (await command('diff', id, '--from-slot', '3', '--to-slot', '5')).view
    expect(patch).toContainEqual({ op: 'replace', path: '/x', value: 4, was: 2 })
    await writeFile(contract, source.replace('?? 0) + 1', '?? 0) + 2'))
    const tried = await command('replay', '--process', id, '--with', contract)
    expect(tried).toMatchObject({ code: 1, view: { ok: false, entries: 6, different: 6 } })

    const { partition: at } = tried.view as { partition: number }
    const { entries } = (verified.view['partitions'] as { entries: number }[])[at] ?? {}
    const partition = ['--partition', String(at)]
    const refused = await command('rebuild', ...partition, ...data)
    expect(refused.view).toMatchObject({ error: { code: 'node-running' } })
    stop.abort()
    await node.done
    const rebuilt = await command('rebuild', ...partition, ...data)
    expect(rebuilt).toMatchObject({ code: 0, view: { ok: true, states: { entries } } })
    const gone = await command('replay', '--verify')
    expect(gone).toMatchObject({ code: 0, view: { ok: true } })
    expect(gone.view['node']).toBeUndefined()
    await rm(folder, { recursive: true })
  }, 240_000)
})
