// R5 in vivo: what fails, what it says, and who gets a bounce of it; and how processes spawn
// processes.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Changes, JsonObject } from '../../src/protocol/changes.ts'
import { applyChanges } from '../../src/protocol/changes.ts'
import { tagValue } from '../../src/protocol/message.ts'
import type { Result } from '../../src/protocol/result.ts'
import { RECORDS, Rig, rigNetwork, TOPICS } from '../node/rig.ts'
import type { Running } from '../node/rig.ts'
import type { DreService } from '../../src/dre/index.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { utf8Text } from '../../src/std/bytes.ts'

describe('errors and spawns', () => {
  let rig: Rig
  let dre: Running<DreService>
  beforeAll(async () => {
    rig = await Rig.open(rigNetwork(['counter']))
    await rig.sequencer()
    dre = await rig.dre()
    await rig.relayer()
  })
  afterAll(() => rig.close())

  const target = (n: number): string => rig.id(`counter-${n}`)

  /** Has counter-0 send these; resolves with the results of what came of them, in order. */
  async function sendFrom(...messages: object[]): Promise<Result[]> {
    const [id] = await rig.send(rig.item(target(0), { send: messages }))
    await rig.quiet()
    const all = await rig.everything()
    const source = all.flatMap(({ results }) => results).find(({ messageId }) => messageId === id)
    expect(source?.status).toBe('ok')
    return all.flatMap(({ entries, results }) =>
      entries.flatMap(({ message, height }) => {
        const isOf = message.origin?.height === source?.height && message.origin?.partition === 0
        return isOf && message.caller === target(0) ? [results[height] as Result] : []
      }),
    )
  }

  function state(process: string): JsonObject & { bounced?: unknown[][] } {
    const partition = partitionOf(process, rig.network.genesis.partitions)
    const saved = dre.service.owned(partition)?.store.row(process)
    expect(saved).toBeDefined()
    const held = dre.service.owned(partition)?.store.state(process)
    let now = JSON.parse(held?.snapshot ?? '{}') as JsonObject
    for (const changes of held?.changes ?? []) {
      now = applyChanges(now, JSON.parse(changes) as Changes)
    }
    return now
  }

  async function bouncesTo(process: string): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = []
    for (let partition = 0; partition < 3; partition++) {
      for (const { message } of (await rig.chain(partition)).entries) {
        if (message.kind !== 'bounce' || message.process !== process) continue
        found.push({
          error: tagValue(message.tags, 'Error'),
          of: tagValue(message.tags, 'Message-Id'),
          reference: tagValue(message.tags, 'Reference'),
          own: tagValue(message.tags, 'X-Own'),
          caller: message.caller,
          input: JSON.parse(utf8Text(message.data) ?? 'null') as unknown,
        })
      }
    }
    return found
  }

  test('a message that fails bounces once, with its reason, reference and own tags', async () => {
    const tags = { Reference: '7', 'X-Own': 'mine', Other: 'not forwarded' }
    const before = await bouncesTo(target(0))
    const [failed] = await sendFrom({ target: target(1), tags, data: { fail: 'on purpose' } })
    expect(failed).toMatchObject({ status: 'error', code: 'contract-error' })
    expect(failed?.messages.map(({ kind }) => kind)).toEqual(['bounce'])
    const bounces = (await bouncesTo(target(0))).slice(before.length)
    expect(bounces).toEqual([
      {
        error: 'contract-error',
        of: failed?.messageId,
        reference: '7',
        own: 'mine',
        caller: target(1),
        input: { code: 'contract-error', text: failed?.text },
      },
    ])
  })

  test('no bounce of a notice, nor of a wallet’s message, nor of a bounce', async () => {
    const before = (await bouncesTo(target(0))).length
    const [notice] = await sendFrom({ target: target(1), kind: 'notice', data: { fail: 'quiet' } })
    expect(notice).toMatchObject({ status: 'error', messages: [] })
    const [id] = await rig.send(rig.item(target(1), { fail: 'to a wallet' }))
    await rig.quiet()
    const all = (await rig.everything()).flatMap(({ results }) => results)
    const own = all.find(({ messageId }) => messageId === id)
    expect(own).toMatchObject({ status: 'error', messages: [] })
    expect((await bouncesTo(target(0))).length).toBe(before)
  })

  test('no process: a message bounces, a notice is ok and empty', async () => {
    const nobody = `${target(0).slice(0, -3)}AAA`
    const before = (await bouncesTo(target(0))).length
    const results = await sendFrom({ target: nobody }, { target: nobody, kind: 'notice' })
    expect(results.map(({ status, code, slot }) => [status, code, slot])).toEqual([
      ['error', 'process-not-found', -1],
      ['ok', '', -1],
    ])
    expect((await bouncesTo(target(0))).slice(before).map(({ error }) => error)).toEqual([
      'process-not-found',
    ])
  })

  test('an error leaves the state as it was, takes its slot, and hashes on', async () => {
    const partition = 2
    const run = async (data: object): Promise<Result> => {
      const [id] = await rig.send(rig.item(target(2), data))
      await rig.quiet()
      return (await rig.results(partition)).find((each) => each.messageId === id) as Result
    }
    const first = await run({ ok: 1 })
    const before = state(target(2))
    const bad = await run({ bad: 1 })
    const refused = await run({ status: 'no' })
    expect(bad).toMatchObject({ status: 'error', code: 'outbox-malformed', slot: first.slot + 1 })
    expect(refused).toMatchObject({ status: 'error', code: 'contract-error', text: 'no' })
    expect(refused.slot).toBe(first.slot + 2)
    expect(Buffer.from(bad.stateHash).equals(Buffer.from(first.stateHash))).toBe(false)
    expect(before['count']).toBe(2)
    expect(state(target(2))).toEqual(before)
  })

  test('an event is in the result and goes nowhere', async () => {
    const [id] = await rig.send(rig.item(target(0), { send: [{ kind: 'event', data: 'x' }] }))
    await rig.quiet()
    const result = (await rig.results(0)).find(({ messageId }) => messageId === id)
    expect(result?.messages).toMatchObject([{ kind: 'event', seq: 0 }])
    for (let partition = 0; partition < 3; partition++) {
      for await (const value of rig.values(TOPICS.ingress, partition)) {
        const wire = RECORDS.decodeIngress(Buffer.from(value as Uint8Array))
        if (wire.type === 'relayed') expect(wire.relayed.kind).not.toBe('event')
      }
    }
  })

  test('a spawn is its process’s first action; one that fails bounces', async () => {
    const before = (await bouncesTo(target(0))).length
    const results = await sendFrom(
      { kind: 'spawn', data: { source: 'counter', state: { mine: 1 } } },
      { kind: 'spawn', tags: { Reference: 'f' }, data: { source: 'stillborn' } },
      { kind: 'spawn', tags: { Reference: 'u' }, data: { source: 'unknown' } },
      { kind: 'spawn', tags: { Reference: 'm' }, data: { sauce: 'counter' } },
    )
    const byCode = new Map(results.map((result) => [result.code, result]))
    expect([...byCode.keys()].sort()).toEqual([
      '',
      'contract-error',
      'module-invalid',
      'spawn-malformed',
    ])
    const child = byCode.get('') as Result
    expect(child).toMatchObject({ slot: 0, status: 'ok', process: child.messageId })
    const references = (await bouncesTo(target(0))).slice(before).map(({ reference }) => reference)
    expect(references.sort()).toEqual(['f', 'm', 'u'])

    // the child counts on; of the failed ones every later entry is an error
    const dead = byCode.get('contract-error') as Result
    const [alive, late] = await rig.send(
      rig.item(child.process, { n: 1 }),
      rig.item(dead.process, { n: 1 }),
    )
    await rig.quiet()
    const all = (await rig.everything()).flatMap((each) => each.results)
    const of = (id: string | undefined) => all.find(({ messageId }) => messageId === id)
    expect(of(alive)).toMatchObject({ status: 'ok', slot: 1 })
    expect(of(late)).toMatchObject({ status: 'error', code: 'process-failed', slot: 1 })
    await rig.check()
  })
})
