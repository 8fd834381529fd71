// What is told of a network that is not quiet: who lags, and which channel has not arrived.

import { expect, test } from '@jest/globals'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { Records } from '../../src/protocol/codec/records.ts'
import { partitionOf, topicNames, topicSpecs } from '../../src/protocol/topics.ts'
import { idOf, makeContent, testNetwork } from '../protocol/fixtures.ts'
import { untilComplete, untilQuiet } from './quiet.ts'

const network = testNetwork()
const topics = topicNames('hb')

test('an empty network is quiet, and complete', async () => {
  const log = createMemoryLog()
  await log.provision(topicSpecs(topics, network.genesis.partitions))
  await untilQuiet(log, network, { stillMs: 1 })
  expect((await untilComplete(log, network, { stillMs: 1 })).missing).toEqual([])
  await log.close()
})

test('a message in the outbox that is not in the log is missing, and its relayer lags', async () => {
  const log = createMemoryLog()
  await log.provision(topicSpecs(topics, network.genesis.partitions))
  const content = makeContent()
  const result = {
    height: 0,
    entryHash: Buffer.alloc(32),
    messageId: idOf('message'),
    process: idOf('process'),
    slot: 0,
    status: 'ok' as const,
    code: '',
    text: '',
    gas: 1,
    stateHash: Buffer.alloc(32),
    messages: [{ ...content, seq: 1 }],
  }
  const run = { partition: 2, from: 0, results: [result], attestation: null }
  await log.append(topics.outbox, 2, [{ key: '2', value: new Records().encodeRun(run) }])
  const options = { stillMs: 1, timeoutMs: 100 }
  await expect(untilQuiet(log, network, options)).rejects.toThrow('relayer hb.outbox/2: 1')
  const { missing } = await untilComplete(log, network, options)
  const target = partitionOf(content.target, network.genesis.partitions)
  expect(missing.length).toBe(2)
  expect(missing[1]).toBe(`channel 2→${target}: 0 of 1 arrived`)
  await log.close()
})
