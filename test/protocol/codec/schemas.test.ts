import { describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { SCHEMAS } from '../../../src/protocol/codec/schemas.ts'

const folder = new URL('../../../schemas/', import.meta.url)
const files = readdirSync(folder).filter((file) => file.endsWith('.avsc'))
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))

type Node = { readonly [key: string]: unknown }

/** Places of named types and fields that no doc line explains. */
function undocumented(schema: unknown, at: string): string[] {
  if (Array.isArray(schema)) return schema.flatMap((part) => undocumented(part, at))
  if (typeof schema !== 'object' || schema === null) return []
  const node = schema as Node
  const inner = [...undocumented(node['type'], at), ...undocumented(node['items'], at)]
  if (node['name'] === undefined) return inner
  const place = `${at}/${String(node['name'])}`
  const doc = node['doc']
  const own = typeof doc === 'string' && doc.trim().length > 3 ? [] : [place]
  const fields = (node['fields'] ?? []) as Node[]
  return [...own, ...inner, ...fields.flatMap((field) => undocumented(field, place))]
}

test('the codec has the schemas of the folder, without their docs', () => {
  const expected = files.map((file) => {
    const text = JSON.stringify(read(file), (key, value: unknown) =>
      key === 'doc' ? undefined : value,
    )
    return [file.replace('.avsc', ''), text]
  })
  expect(expected.length).toBeGreaterThan(0)
  expect({ ...SCHEMAS }).toEqual(Object.fromEntries(expected))
})

describe.each(files)('%s', (file) => {
  test('explains itself and every field', () => {
    expect(undocumented(read(file), '')).toEqual([])
  })

  test('is one record of the namespace, named as its file', () => {
    const { type, name, namespace } = read(file) as Node
    expect([type, namespace]).toEqual(['record', 'org.hollowbeam'])
    expect(String(name).toLowerCase()).toBe(file.replace('.avsc', ''))
  })
})

test('what finds missing docs finds them', () => {
  const bare = { type: 'record', name: 'A', doc: 'A record.', fields: [{ name: 'b', type: 'int' }] }
  expect(undocumented(bare, '')).toEqual(['/A/b'])
})
