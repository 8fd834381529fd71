// The commands on real brokers: the demo, nodes with some of the roles each, passwords and TLS.

import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { hb, running } from '../cli/terminal-double.ts'
import { until } from '../node/fleet.ts'
import { describeKafka, describeKafkaCluster, sharedKafka } from '../support/kafka.ts'
import { startSecureKafka, type SecureKafka } from '../support/secure-kafka.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-kafka-'))
})
afterAll(() => rm(folder, { recursive: true }))

const FINAL = {
  hyperCoin: { DMac: '900', Sam: '1000', HB: '100' },
  asset: { DMac: '90', Sam: '10' },
  u: { DMac: '30', Sam: '470' },
  stakes: { DMac: '100', Sam: '0' },
}

function lastLine(lines: readonly string[]): Record<string, unknown> {
  return JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>
}

describeKafka('commands on a broker', () => {
  test('hb demo ends as it does on the embedded log, and is rebuilt from the topics', async () => {
    const { bootstrapServers } = await sharedKafka()
    const { code, out, err } = await hb(['demo', '--json', '--bootstrap-server', bootstrapServers])
    expect([code, err.filter((line) => !line.startsWith('warning: '))]).toEqual([0, []])
    expect(lastLine(out)).toMatchObject({
      ok: true,
      applicationId: expect.stringMatching(/^hb-demo-/),
      final: FINAL,
      replay: { identical: true },
    })
  }, 120_000)

  test('nodes with some roles each: any of them answers; one stops and its partitions move', async () => {
    const { bootstrapServers } = await sharedKafka()
    const brokers = ['--bootstrap-server', bootstrapServers]
    const application = ['--application-id', `commands-${randomUUID()}`]
    const wallet = join(folder, 'me.json')
    await hb(['keys', 'generate', '--out', wallet])
    const start = async (name: string, roles: string) => {
      const stop = new AbortController()
      const data = ['--data', join(folder, name), '--port', '0', '--json']
      const args = ['start', ...brokers, ...application, ...data, '--roles', roles]
      const node = running([...args, '--partitions', '3'], { signal: stop.signal })
      await Promise.race([until(() => node.out.length > 0), node.done])
      if (node.out.length === 0) throw new Error(node.err.join('\n'))
      const { url } = JSON.parse(node.out[0] as string) as { url: string }
      return { ...node, url, stop: () => (stop.abort(), node.done) }
    }
    // at once: they must agree on the network as well
    const nodes = await Promise.all([
      start('one', 'sequencer,relayer'),
      start('two', 'dre'),
      start('three', 'dre,sequencer'),
    ])
    const env = { HB_WALLET: wallet }
    const contract = join(folder, 'counter.ts')
    const source = 'export const handle = (s: { n?: number }) => { s.n = (s.n ?? 0) + 1; return {} }'
    await writeFile(contract, source)
    const command = (...args: string[]) => hb([...args, ...brokers, ...application, '--json'], env)
    const { process: id } = lastLine((await command('spawn', contract)).out) as { process: string }
    for (const { url } of nodes) {
      const sent = await hb(['send', id, '--url', url, '--json'], env)
      expect([sent.code, lastLine(sent.out)]).toMatchObject([0, { receipt: {}, result: {} }])
      const { id: message } = lastLine(sent.out) as { id: string }
      const asked = await Promise.all(
        nodes.map((node) => hb(['result', message, '--url', node.url, '--json'])),
      )
      for (const each of asked) expect(lastLine(each.out)).toEqual(lastLine(sent.out))
    }
    expect(lastLine((await command('state', id)).out)).toMatchObject({ state: { n: 4 } })
    expect((await nodes[1]?.stop())?.code).toBe(0)
    expect((await command('send', id)).code).toBe(0)
    expect(lastLine((await command('state', id)).out)).toMatchObject({ state: { n: 5 } })
    for (const node of nodes) expect((await node.stop()).code).toBe(0)
  }, 120_000)
})

describeKafkaCluster('commands with --command-config', () => {
  let kafka: SecureKafka
  beforeAll(async () => {
    kafka = await startSecureKafka()
  }, 60_000)
  afterAll(() => kafka.close())

  async function properties(...lines: string[]): Promise<string> {
    const path = join(folder, `${randomUUID()}.properties`)
    await writeFile(path, lines.join('\n'))
    return path
  }

  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule'

  test('SCRAM over TLS, PLAIN, TLS alone: hb reaches the broker', async () => {
    const { caFile, caPem, user } = kafka
    const jaas = `username="${user.name}" password="${user.password}"`
    const cases = [
      [
        'SASL_SSL',
        'sasl.mechanism=SCRAM-SHA-512',
        `sasl.jaas.config=${scram} required ${jaas};`,
        'ssl.truststore.type=PEM',
        `ssl.truststore.location=${caFile}`,
      ],
      [
        'SASL_PLAINTEXT',
        'sasl.mechanism=PLAIN',
        `sasl.username=${user.name}`,
        `sasl.password=${user.password}`,
      ],
      ['SSL', `ssl.truststore.certificates=${caPem.trim().replaceAll(/\r?\n/g, '\\n')}`],
    ] as const
    for (const [listener, ...lines] of cases) {
      const file = await properties(`security.protocol=${listener}`, ...lines)
      const servers = kafka.serversOf(listener)
      const args = ['state', 'x', '--bootstrap-server', servers, '--command-config', file]
      const { code, err } = await hb(args)
      // it was there, and has no nodes
      expect([listener, code, err.join()]).toEqual([
        listener,
        3,
        expect.stringContaining('no node of application id hb'),
      ])
    }
  }, 60_000)

  test('a wrong password is told without it', async () => {
    const file = await properties(
      'security.protocol=SASL_SSL',
      'sasl.mechanism=SCRAM-SHA-256',
      `sasl.username=${kafka.user.name}`,
      'sasl.password=S3CRET',
      `ssl.ca.location=${kafka.caFile}`,
      'default.api.timeout.ms=2000',
    )
    const servers = kafka.serversOf('SASL_SSL')
    const args = ['state', 'x', '--bootstrap-server', servers, '--command-config', file]
    const { code, out, err } = await hb(args)
    expect([code, err.join()]).toEqual([1, expect.stringContaining('log-not-authenticated')])
    expect(err.join()).toMatch(/authentication/i)
    expect([...out, ...err].join()).not.toContain('S3CRET')
  }, 60_000)
})
