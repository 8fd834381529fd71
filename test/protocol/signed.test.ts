import { describe, expect, test } from '@jest/globals'
import { signDataItem, type Tag } from '../../src/protocol/ans104/index.ts'
import { ENVELOPE_BYTES } from '../../src/protocol/outbox.ts'
import { inputText, signedMessage } from '../../src/protocol/signed.ts'
import { signedDigest } from '../../src/protocol/message.ts'
import { isIdText, sha256, toBase64Url } from '../../src/std/bytes.ts'
import { codeOf, ed25519Key, idOf, signedItem, testNetwork } from './fixtures.ts'

const limits = {
  tagsMax: 16,
  hopsMax: 64,
  hopsDefault: 20,
  countMax: 1_000,
  countDefault: 500,
  inputDepthMax: 8,
  messageBytesMax: 8_192,
}
const network = testNetwork({ limits })
const key = ed25519Key()
const tag = (name: string, value: string): Tag => ({ name, value })
const JSON_TYPE = tag('Content-Type', 'application/json')

type Fields = Parameters<typeof signedItem>[2]
const item = (fields: Fields = {}, of = network): Buffer => signedItem(of, key, fields)
const message = (fields: Fields = {}): ReturnType<typeof signedMessage> =>
  signedMessage(network, item(fields))
const codeFor = (fields: Fields): string => codeOf(() => message(fields))
const withTags = (...tags: Tag[]): string => codeFor({ tags })

describe('a plain item', () => {
  const bytes = item({ tags: [tag('Action', 'Ping')], data: 'hello' })
  const plain = signedMessage(network, bytes)

  test('is a message of its signer to its target', () => {
    expect(plain).toMatchObject({
      caller: toBase64Url(sha256(key.owner)),
      from: 'wallet',
      kind: 'message',
      target: idOf('target'),
      process: idOf('target'),
    })
    expect(Buffer.from(plain.data).toString()).toBe('hello')
    expect(plain.tags.map(({ name }) => name)).toEqual(['HB-Network', 'Action'])
  })

  test('has the id of its signature and the digest of all its bytes', () => {
    expect(plain.id).toBe(toBase64Url(sha256(bytes.subarray(2, 66))))
    expect(isIdText(plain.id)).toBe(true)
    expect(Buffer.from(plain.digest).equals(signedDigest(bytes))).toBe(true)
  })

  test('has the defaults of genesis, no place and no end', () => {
    expect(plain).toMatchObject({ hops: 20, count: 500, budget: '0' })
    expect(Object.keys(plain)).not.toEqual(expect.arrayContaining(['origin']))
    expect('expires' in plain).toBe(false)
  })

  test('is judged by form only: the signature is the verifier’s', () => {
    const forged = Buffer.from(bytes)
    forged[10] = (forged[10] as number) ^ 1
    expect(codeOf(() => signedMessage(network, forged))).toBe('none')
  })
})

test('defaults do not exceed what genesis allows', () => {
  const small = testNetwork(
    { limits: { hopsMax: 4, hopsDefault: 9, countMax: 16, countDefault: 99 } },
  )
  const made = signedMessage(small, item({}, small))
  expect([made.hops, made.count]).toEqual([4, 16])
})

describe('what is no item', () => {
  const bytes = item()
  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'item-malformed'],
    ['zeros', Buffer.alloc(200), 'signature-type-unsupported'],
    ['an item cut off', bytes.subarray(0, 100), 'item-malformed'],
  ])('is refused: %s', (_name, input, code) => {
    expect(codeOf(() => signedMessage(network, input))).toBe(code)
  })
})

describe('HB-Network', () => {
  test.each<[string, Tag[], string]>([
    ['missing', [tag('network', network.id)], 'network-mismatch'],
    ['another', [tag('HB-Network', idOf('other'))], 'network-mismatch'],
    [
      'this one second',
      [tag('HB-Network', idOf('other')), tag('HB-Network', network.id)],
      'network-mismatch',
    ],
    ['this one first', [tag('HB-Network', network.id), tag('HB-Network', idOf('other'))], 'none'],
  ])('%s', (_name, tags, code) => {
    const bytes = signDataItem(key, { target: sha256(Buffer.from('target')), tags })
    expect(codeOf(() => signedMessage(network, bytes))).toBe(code)
  })
})

test('Generation must be the one of the network, written as it is', () => {
  const at = (generation: number, ...tags: Tag[]): string => {
    const genesis = { ...network.genesis, generation }
    const later = { ...network, genesis }
    return codeOf(() => signedMessage(later, item({ tags }, later)))
  }
  expect(at(0)).toBe('none')
  expect(at(0, tag('HB-Generation', '0'))).toBe('none')
  expect(at(2, tag('HB-Generation', '2'))).toBe('none')
  expect(at(2)).toBe('generation-mismatch')
  expect(at(2, tag('HB-Generation', '1'))).toBe('generation-mismatch')
  expect(at(2, tag('HB-Generation', '02'))).toBe('generation-mismatch')
})

describe('HB-Type', () => {
  const source = { data: '{}' }
  test('Process makes a spawn whose process is the item itself', () => {
    const spawn = message({ target: '', tags: [tag('HB-Type', 'Process')], ...source })
    expect(spawn).toMatchObject({ kind: 'spawn', target: '', process: spawn.id })
  })

  test.each<[string, Fields, string]>([
    ['a message without target', { target: '' }, 'target-missing'],
    [
      'a message that says so without target',
      { target: '', tags: [tag('HB-Type', 'Message')] },
      'target-missing',
    ],
    ['a spawn with a target', { tags: [tag('HB-Type', 'Process')] }, 'target-missing'],
    ['a message that says so', { tags: [tag('HB-Type', 'Message')] }, 'none'],
    ['a bounce', { tags: [tag('HB-Type', 'Bounce')] }, 'tag-malformed'],
    ['another case', { target: '', tags: [tag('HB-Type', 'process')] }, 'tag-malformed'],
  ])('%s', (_name, fields, code) => {
    expect(codeFor(fields)).toBe(code)
  })
})

describe('numbers', () => {
  test.each<[string, string, number, number, string]>([
    ['HB-Hops', 'hops', 0, limits.hopsMax, 'hops-exceeded'],
    ['HB-Count', 'count', 0, limits.countMax, 'count-exceeded'],
  ])('%s is taken up to its limit', (name, field, least, most, code) => {
    for (const value of [least, 1, most]) {
      expect(message({ tags: [tag(name, String(value))] })).toMatchObject({ [field]: value })
    }
    expect(withTags(tag(name, String(most + 1)))).toBe(code)
    expect(withTags(tag(name, '9007199254740993'))).toBe(code)
  })

  test('Expires is taken as it is, and nothing is judged by this machine’s clock', () => {
    expect(message({ tags: [tag('HB-Expires', '0')] }).expires).toBe(0)
    const latest = Number.MAX_SAFE_INTEGER
    expect(message({ tags: [tag('HB-Expires', String(latest))] }).expires).toBe(latest)
    expect(withTags(tag('HB-Expires', '9007199254740992'))).toBe('tag-malformed')
  })

  test('Budget is a decimal integer of up to 78 digits', () => {
    const large = '9'.repeat(78)
    expect(message({ tags: [tag('HB-Budget', large)] }).budget).toBe(large)
    expect(withTags(tag('HB-Budget', `${large}0`))).toBe('tag-malformed')
  })

  const notNumbers = ['-1', '+1', '01', '1.0', '1e3', '0x1', ' 1', '1 ', '1\n', 'NaN', '١', '1,000']
  const named = ['HB-Hops', 'HB-Count', 'HB-Expires', 'HB-Budget']
  test.each(named)('%s is refused in any other spelling', (name) => {
    const codes = notNumbers.map((value) => withTags(tag(name, value)))
    expect(codes).toEqual(notNumbers.map(() => 'tag-malformed'))
  })

  test('of a name given twice are the first', () => {
    expect(message({ tags: [tag('HB-Hops', '1'), tag('HB-Hops', '9')] }).hops).toBe(1)
    expect(withTags(tag('HB-Hops', 'x'), tag('HB-Hops', '9'))).toBe('tag-malformed')
  })
})

describe('limits', () => {
  test('on the bytes of the item', () => {
    const room = limits.messageBytesMax - ENVELOPE_BYTES
    const fixed = item().length
    const exact = item({ data: 'x'.repeat(room - fixed) })
    expect(exact.length).toBe(room)
    expect(codeOf(() => signedMessage(network, exact))).toBe('none')
    expect(codeFor({ data: 'x'.repeat(room - fixed + 1) })).toBe('message-too-large')
  })

  test('are looked at before the bytes are', () => {
    const huge = Buffer.alloc(limits.messageBytesMax + 1)
    expect(codeOf(() => signedMessage(network, huge))).toBe('message-too-large')
  })

  test('on the number of tags, the network’s included', () => {
    const tags = (n: number): Tag[] => Array.from({ length: n }, (_, at) => tag(`t${at}`, 'v'))
    expect(withTags(...tags(limits.tagsMax - 1))).toBe('none')
    expect(withTags(...tags(limits.tagsMax))).toBe('tags-too-many')
  })

  test('on the bytes of tags as they are encoded', () => {
    const small = testNetwork({ limits: { ...limits, tagBytesMax: 512 } })
    // count · (length, HB-Network, length, id) · (length, a, two bytes of length, value) · end
    const fixed = 1 + (1 + 10 + 1 + 43) + (1 + 1 + 2) + 1
    const at = (length: number): string =>
      codeOf(() => signedMessage(small, item({ tags: [tag('a', 'x'.repeat(length))] }, small)))
    expect(at(512 - fixed)).toBe('none')
    expect(at(512 - fixed + 1)).toBe('tags-too-large')
  })
})

describe('data that says it is JSON', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
  test.each<[string, Tag[], string, string]>([
    ['strict JSON', [JSON_TYPE], '{"a":[1,"é"]}', 'none'],
    ['nothing', [JSON_TYPE], '', 'none'],
    ['not JSON', [JSON_TYPE], '{a:1}', 'json-malformed'],
    ['a key twice', [JSON_TYPE], '{"a":1,"a":2}', 'json-malformed'],
    ['as deep as allowed', [JSON_TYPE], nested(8), 'none'],
    ['deeper', [JSON_TYPE], nested(9), 'json-too-deep'],
    ['not JSON, and no claim to be', [], '{a:1}', 'none'],
    ['another type', [tag('Content-Type', 'text/plain')], '{a:1}', 'none'],
    ['a spelling that is not read', [tag('content-type', 'application/json')], '{a:1}', 'none'],
  ])('%s', (_name, tags, data, code) => {
    expect(codeFor({ tags, data })).toBe(code)
  })

  test('is given to the contract as the text it is', () => {
    const text = ' {"b": 1.50, "a": "\\u00e9"} '
    expect(inputText([JSON_TYPE], Buffer.from(text), network.genesis.limits)).toBe(text)
    expect(inputText([JSON_TYPE], new Uint8Array(0), network.genesis.limits)).toBeUndefined()
    expect(inputText([], Buffer.from(text), network.genesis.limits)).toBeUndefined()
  })
})
