// hb topics on a real broker: what a node would refuse is named with the command that mends it.

import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { hb } from '../cli/terminal-double.ts'
import { withAdmin } from '../log/kafka/admin.ts'
import { describeKafka, sharedKafka } from '../support/kafka.ts'

describeKafka('hb topics', () => {
  test('makes, checks and describes', async () => {
    const { bootstrapServers } = await sharedKafka()
    const application = `topics-${randomUUID()}`
    const topics = async (...args: string[]) => {
      const where = ['--bootstrap-server', bootstrapServers, '--application-id', application]
      const { code, out } = await hb(['topics', ...args, ...where, '--json'])
      return { code, json: JSON.parse(out[0] ?? '{}') as Record<string, unknown> }
    }
    expect(await topics('check')).toMatchObject({ code: 1, json: { ok: false } })
    expect(await topics('create', '--partitions', '2')).toMatchObject({ code: 0 })
    expect(await topics('check')).toMatchObject({ code: 0, json: { ok: true } })
    const { json } = await topics('describe')
    expect(json['partitions']).toHaveLength(2 * 4 + 3)
    const name = `${application}.log`
    await withAdmin(bootstrapServers, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name, configEntries: [{ name: 'retention.ms', value: '1000' }] }],
      }),
    )
    const { code, json: checked } = await topics('check')
    expect(code).toBe(1)
    const bad = (checked['topics'] as { topic: string; ok: boolean; text?: string }[]).filter(
      ({ ok }) => !ok,
    )
    expect(bad).toMatchObject([{ topic: name, code: 'log-topic-unsafe' }])
    expect(bad[0]?.text).toContain('retention.ms=1000')
    expect(bad[0]?.text).toContain('kafka-configs.sh')
  }, 60_000)
})
