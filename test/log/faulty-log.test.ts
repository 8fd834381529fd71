// The faulty log does what its script says: a checker must be checked.

import { expect, test } from '@jest/globals'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { record, texts } from './conformance-partitions.ts'
import { faultyLog } from './faulty-log.ts'

test('every fault leaves in the log, and answers, what its name says', async () => {
  const log = faultyLog(createMemoryLog(), { only: (topic) => topic === 't' })
  const topics = ['t', 'other'].map((name) => ({ name, partitions: 1, cleanup: 'log' as const }))
  await log.provision(topics)
  let release: (() => void) | undefined
  log.script(
    { kind: 'none' },
    { kind: 'refused' },
    { kind: 'unclear', written: true },
    { kind: 'unclear', written: false },
    { kind: 'twice', answer: 'second' },
    { kind: 'no-offset' },
    { kind: 'other-before', records: [record('k', 'other')] },
    { kind: 'late', release: new Promise<void>((resolve) => (release = resolve)) },
  )
  const answers: unknown[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']) {
    expect(await log.append('other', 0, [record('k', name)])).toBe(answers.length)
    answers.push(await log.append('t', 0, [record('k', name)]).catch((error) => error.code))
  }
  release?.()
  await new Promise((resolve) => setImmediate(resolve))
  expect(answers).toEqual([
    0,
    'log-append-refused',
    'log-append-unclear',
    'log-append-unclear',
    3,
    -1,
    6,
    'log-append-unclear',
    7,
  ])
  const { records } = await log.read('t', 0, 0)
  expect(texts(records)).toEqual(['a', 'c', 'e', 'e', 'f', 'other', 'g', 'i', 'h'])
  expect(log.pending).toBe(0)
  await log.close()
})
