// hb schemas, and the schemas of others, against a real registry.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Records } from '../../src/protocol/codec/records.ts'
import { SCHEMAS } from '../../src/protocol/codec/schemas.ts'
import { openWriterSchemas, SubjectRegistry, subjectsOf } from '../../src/schemas/index.ts'
import { hb } from '../cli/terminal-double.ts'
import { describeKafkaCluster } from '../support/kafka.ts'
import { installSchemaRegistry, startSchemaRegistry } from '../support/schema-registry.ts'
import type { SchemaRegistryServer } from '../support/schema-registry.ts'

type Row = { subject: string; state: string; compatible: boolean; version?: number; ok: boolean }
type Answer = { ok: boolean; subjects: Row[] }

const SUBJECTS = [
  'ingress-value',
  'log-value',
  'log-org.hollowbeam.Claim',
  'outbox-value',
  'snapshots-value',
  'snapshots-org.hollowbeam.Manifest',
  'modules-value',
  'registry-value',
  'registry-org.hollowbeam.Head',
  'deadletters-value',
]

function answer(lines: readonly string[]): Answer {
  return JSON.parse(lines.join('\n')) as Answer
}

// no broker is needed, but a JVM
describeKafkaCluster(
  'hb schemas on a registry',
  () => {
    let registry: SchemaRegistryServer
    let at: string[]

    beforeAll(async () => void (await installSchemaRegistry()), 10 * 60_000)
    beforeAll(async () => {
      registry = await startSchemaRegistry()
      at = ['--schema-registry-url', registry.url]
    }, 120_000)
    afterAll(() => registry.close())

    async function post(subject: string, schema: string, more: object = {}): Promise<number> {
      const answered = await fetch(`${registry.url}/subjects/${subject}/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: JSON.stringify({ schema, ...more }),
      })
      expect(answered.status).toBe(200)
      return ((await answered.json()) as { id: number }).id
    }

    test('register, and again: the same ids and versions; check before and after', async () => {
      const before = await hb(['schemas', 'check', ...at, '--json'])
      expect(before.code).toBe(1)
      const missing = answer(before.out).subjects.map(({ subject, state }) => [subject, state])
      expect(missing).toEqual(SUBJECTS.map((name) => [`hb.${name}`, 'missing']))

      const first = await hb(['schemas', 'register', ...at, '--json'])
      expect([first.code, first.err]).toEqual([0, []])
      expect(answer(first.out).subjects).toEqual(
        SUBJECTS.map((name) => ({
          subject: `hb.${name}`,
          id: expect.any(Number),
          version: 1,
          compatibility: 'BACKWARD_TRANSITIVE',
        })),
      )
      const again = await hb(['schemas', 'register', ...at, '--json'])
      expect(answer(again.out)).toEqual(answer(first.out))

      const after = await hb(['schemas', 'check', ...at])
      expect(after.code).toBe(0)
      expect(after.out.length).toBe(SUBJECTS.length)
      for (const line of after.out) expect(line).toMatch(/^ok hb\./)
      const diff = await hb(['schemas', 'diff', ...at])
      expect([diff.code, diff.out]).toEqual([0, []])
    })

    test('what others registered shows as different, and as compatible or not', async () => {
      const application = ['--application-id', 'others']
      const narrow = SCHEMAS.module.replace(',{"name":"source","type":"string"}', '')
      expect(narrow).not.toBe(SCHEMAS.module)
      const wide = SCHEMAS.claim.replace(
        '"fields":[',
        '"fields":[{"name":"note","type":"string"},',
      )
      await post('others.modules-value', narrow)
      await post('others.log-org.hollowbeam.Claim', wide)
      for (const subject of ['others.modules-value', 'others.log-org.hollowbeam.Claim']) {
        await fetch(`${registry.url}/config/${subject}`, {
          method: 'PUT',
          headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
          body: '{"compatibility":"BACKWARD_TRANSITIVE"}',
        })
      }
      const { code, out } = await hb(['schemas', 'check', ...at, ...application, '--json'])
      expect(code).toBe(1)
      const rows = new Map(answer(out).subjects.map((row) => [row.subject, row]))
      expect(rows.get('others.modules-value')).toMatchObject({
        state: 'different',
        compatible: false,
        version: 1,
        ok: false,
      })
      expect(rows.get('others.log-org.hollowbeam.Claim')).toMatchObject({
        state: 'different',
        compatible: true,
        ok: false,
      })
      const diff = await hb(['schemas', 'diff', ...at, ...application])
      expect(diff.code).toBe(1)
      const lines = diff.out
      const from = lines.indexOf('others.modules-value (version 1, and this one)')
      expect(lines.slice(from, from + 5)).toContain('+ fields[source].type: "string"')
      expect(lines).toContain('- fields[note].type: "string"')
      const json = answer((await hb(['schemas', 'diff', ...at, ...application, '--json'])).out)
      expect(json.subjects.find(({ subject }) => subject === 'others.modules-value')).toMatchObject({
        differences: expect.arrayContaining([
          { path: 'fields[source].name', shipped: '"source"' },
        ]),
      })
      // nothing of that changed anything
      const subjects = await (await fetch(`${registry.url}/subjects`)).json()
      expect((subjects as string[]).filter((name) => name.startsWith('others.')).length).toBe(2)
      const refused = await hb(['schemas', 'register', ...at, ...application, '--json'])
      expect(refused.code).toBe(1)
      expect(refused.out.join()).toContain('schema-registry-refused')
    })

    test('writers’ schemas by id: with references, not Avro, unknown', async () => {
      const schemas = openWriterSchemas({ url: registry.url })
      const own = await post('mine-value', SCHEMAS.ingress)
      const found = await schemas.writerSchema(own)
      expect(found.type).toBe('avro')
      const read = new Records().ingressReader('schema' in found ? found.schema : '', 10)
      const item = Buffer.from('an item')
      const bytes = new Records().encodeIngress({ type: 'signed', item })
      expect(read(bytes)).toEqual({ type: 'signed', item })
      expect(await schemas.writerSchema(2_147_483_647)).toEqual({
        type: 'unusable',
        text: expect.stringContaining('no schema 2147483647'),
      })
      const signed = '{"type":"record","name":"Signed","namespace":"org.hollowbeam","fields":[{"name":"item","type":"bytes"}]}'
      await post('signed-value', signed)
      const outer = SCHEMAS.ingress.replace(/"type":\[\{.*/, '"type":"org.hollowbeam.Signed"}]}')
      const references = [{ name: 'org.hollowbeam.Signed', subject: 'signed-value', version: 1 }]
      const joined = await schemas.writerSchema(await post('joined-value', outer, { references }))
      const readJoined = new Records().ingressReader('schema' in joined ? joined.schema : '', 0)
      expect(readJoined(Buffer.from('\u0002x'))).toEqual({ type: 'signed', item: Buffer.from('x') })
      const draft = '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}'
      const json = await post('json-value', draft, { schemaType: 'JSON' })
      expect(await schemas.writerSchema(json)).toEqual({
        type: 'unusable',
        text: `schema ${json} is not Avro`,
      })
      const elsewhere = openWriterSchemas({ url: new URL('/', registry.url).href })
      await expect(elsewhere.writerSchema(own)).rejects.toMatchObject({
        code: 'schema-registry-refused',
      })
    })

    test('one that is frozen is not waited for for ever, one that is gone is said to be', async () => {
      const schemas = openWriterSchemas({ url: registry.url, timeoutMs: 500 })
      const subjects = new SubjectRegistry({ url: registry.url, timeoutMs: 500 })
      registry.freeze()
      const unreachable = { code: 'schema-registry-unreachable' }
      await expect(schemas.writerSchema(1)).rejects.toMatchObject(unreachable)
      await expect(subjects.compare(subjectsOf('hb')[0]!)).rejects.toMatchObject(unreachable)
      registry.thaw()
      expect((await schemas.writerSchema(1)).type).toBe('avro')
      const { code, err } = await hb(['schemas', 'check', '--schema-registry-url', 'http://127.0.0.1:1'])
      expect([code, err[0]]).toEqual([3, expect.stringContaining('schema-registry-unreachable')])
    })
  },
  [],
)

describe('credentials of a registry', () => {
  let folder: string
  let server: Server
  let url: string
  const seen: (string | undefined)[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hb-schemas-'))
    server = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end('{"error_code":401,"message":"who are you?"}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })

  test('they come from --command-config, go to the registry, and nowhere else', async () => {
    const file = join(folder, 'client.properties')
    const lines = [`schema.registry.url=${url}`, 'basic.auth.user.info=me:S3CRET:more']
    await writeFile(file, lines.join('\n'))
    const { code, out, err } = await hb(['schemas', 'check', '--command-config', file])
    expect(code).toBe(1)
    expect(seen).toEqual([`Basic ${Buffer.from('me:S3CRET:more').toString('base64')}`])
    expect([...out, ...err].join('\n')).not.toContain('S3CRET')
    expect(err.join('\n')).toContain('schema-registry-refused')
    expect(err.join('\n')).toContain('in clear text')
  })

  test('an address with a password in it, or none at all, is refused and not shown', async () => {
    const bad = ['--schema-registry-url', 'http://me:S3CRET@127.0.0.1:1']
    for (const args of [bad, []]) {
      const { code, out, err } = await hb(['schemas', 'check', ...args])
      expect([code, [...out, ...err].join('\n').includes('S3CRET')]).toEqual([2, false])
    }
    const file = join(folder, 'bad.properties')
    for (const line of [
      'schema.registry.url=http://me:S3CRET@here',
      'schema.registry.url=http://one,http://S3CRET',
      'basic.auth.user.info=S3CRET',
      'basic.auth.credentials.source=S3CRET',
    ]) {
      await writeFile(file, line)
      const { code, err } = await hb(['schemas', 'check', '--command-config', file])
      expect([code, err.join('\n').includes('S3CRET')]).toEqual([2, false])
      expect(err.join('\n')).toContain('client-properties-invalid')
    }
  })
})
