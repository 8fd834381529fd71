// The broker that a run shares: one for all who ask, and it answers.

import { expect, test } from '@jest/globals'
import { isReady } from './kafka-ready.ts'
import { describeKafka, sharedKafka } from './kafka.ts'

describeKafka('the shared broker', () => {
  test('is one for all who ask', async () => {
    const answers = await Promise.all([sharedKafka(), sharedKafka(), sharedKafka()])
    expect(new Set(answers.map(({ bootstrapServers }) => bootstrapServers)).size).toBe(1)
  })

  test('answers', async () => {
    const { bootstrapServers } = await sharedKafka()
    const servers = bootstrapServers.split(',')
    expect(await Promise.all(servers.map((server) => isReady(server)))).toContain(true)
  })
})
