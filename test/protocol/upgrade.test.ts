// Upgrades: which messages are one, and what each then does to its process (R4, R5).

import { describe, expect, test } from '@jest/globals'
import type { Message } from '../../src/protocol/message.ts'
import type { Plan, ProcessRow } from '../../src/protocol/transition.ts'
import { carriedModule } from '../../src/protocol/module-ref.ts'
import { prepare } from '../../src/protocol/transition.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { idOf, makeEntry, processMessage, testNetwork, processRow as row } from './fixtures.ts'

const network = testNetwork()
const { limits } = network.genesis

const spawnText = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('an upgrade', () => {
  const TAG = { name: 'HB-Upgrade', value: 'Module' }
  const own = idOf('target')
  const hash = idOf('hash')
  const upgradeOf = (data: unknown, change: Partial<Message> = {}): Message => ({
    ...processMessage(network, { target: own, tags: [TAG], data: spawnText(data) }),
    caller: own,
    ...change,
  })
  const known = (message: Message, of: ProcessRow = row()): Plan =>
    prepare(network, of, makeEntry(network, message), (each) => each === hash)

  test('by source or by a hash that is known, with an action that tells what it is', () => {
    const source = 'exports.handle = () => ({})'
    const of = toBase64Url(sha256(Buffer.from(source)))
    const made = known(upgradeOf({ source }))
    expect(made).toMatchObject({ type: 'upgrade', module: { engine: 'quickjs', source, hash: of } })
    const action = JSON.parse((made as { action: string }).action) as Record<string, unknown>
    expect(action).toMatchObject({ kind: 'upgrade', caller: own, slot: 7, data: '' })
    expect(action['input']).toMatchObject({ process: own, module: of })
    expect(known(upgradeOf({ module: hash }))).toMatchObject({
      type: 'upgrade',
      module: { engine: 'quickjs', hash },
    })
    expect(known(upgradeOf({ module: hash, engine: 'smartweave' }))).toMatchObject({
      module: { engine: 'smartweave', hash },
    })
  })

  test.each<[string, unknown, string]>([
    ['no object', [], 'upgrade-malformed'],
    ['nothing', {}, 'upgrade-malformed'],
    ['both', { source: 'x', module: hash }, 'upgrade-malformed'],
    ['a state', { source: 'x', state: {} }, 'upgrade-malformed'],
    ['an unknown engine', { source: 'x', engine: 'lua' }, 'upgrade-malformed'],
    ['the native engine', { source: 'x', engine: 'native' }, 'upgrade-malformed'],
    ['no hash', { module: 'short' }, 'upgrade-malformed'],
    ['a hash that is not known', { module: idOf('other') }, 'module-unknown'],
    ['too long a source', { source: 'x'.repeat(limits.moduleBytesMax + 1) }, 'module-too-large'],
  ])('with %s is an error that bounces', (_, data, code) => {
    const made = known(upgradeOf(data))
    if (made.type !== 'settled') throw new Error(made.type)
    expect(made.outcome).toMatchObject({ status: 'error', code })
    expect(made.outcome.messages).toMatchObject([{ kind: 'bounce', target: own }])
  })

  test('is for the process itself to send, and for nobody else', () => {
    const foreign = upgradeOf({ source: 'x' }, { caller: idOf('other') })
    for (const message of [foreign, upgradeOf({ source: 'x' }, { from: 'wallet' })]) {
      expect(known(message)).toMatchObject({ outcome: { code: 'upgrade-foreign' } })
      expect(carriedModule(network, message)).toBeUndefined()
    }
    // a notice or a bounce with such a tag is what it was
    expect(known(upgradeOf({}, { kind: 'notice' })).type).toBe('evaluate')
    const failed = known(foreign, row({ failed: true }))
    expect(failed).toMatchObject({ outcome: { code: 'process-failed' } })
  })

  test('makes a source known that it carries, whatever comes of it', () => {
    expect(carriedModule(network, upgradeOf({ source: 'x' }))).toMatchObject({ source: 'x' })
    for (const data of [{ module: hash }, { source: 7 }, 'no object']) {
      expect(carriedModule(network, upgradeOf(data))).toBeUndefined()
    }
  })
})
