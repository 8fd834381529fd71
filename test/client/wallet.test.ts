// Wallets: made, saved, loaded, and never shown.

import * as crypto from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  generateWallet,
  loadWallet,
  saveWallet,
  walletFromJwk,
  type Wallet,
} from '../../src/client/wallet.ts'
import { parseDataItem, verifyDataItem } from '../../src/protocol/ans104/index.ts'
import { isIdText } from '../../src/std/bytes.ts'
import { isHbError } from '../../src/std/errors.ts'

const wallets: Record<string, Wallet> = {}
let folder: string

beforeAll(async () => {
  wallets['rsa'] = await generateWallet('rsa')
  wallets['ed25519'] = await generateWallet('ed25519')
  folder = await mkdtemp(join(tmpdir(), 'wallet-'))
})

afterAll(() => rm(folder, { recursive: true }))

function refusal(jwk: string | crypto.JsonWebKey): string {
  try {
    walletFromJwk(jwk)
  } catch (error) {
    if (isHbError(error, 'wallet-malformed')) return error.message
    throw error
  }
  return 'accepted'
}

describe.each(['rsa', 'ed25519'] as const)('%s', (kind) => {
  test('signs items that verify under its address', () => {
    const wallet = wallets[kind] as Wallet
    const verdict = verifyDataItem(parseDataItem(wallet.sign({ data: Buffer.from('hello') })))
    expect(verdict).toMatchObject({ ok: true, address: wallet.address })
    expect(isIdText(wallet.address)).toBe(true)
    expect(wallet.kind).toBe(kind)
  })

  test('saved and loaded it is the same wallet', async () => {
    const wallet = wallets[kind] as Wallet
    const path = join(folder, `${kind}.json`)
    await saveWallet(wallet, path)
    const loaded = await loadWallet(path)
    expect(loaded.address).toBe(wallet.address)
    const verdict = verifyDataItem(parseDataItem(loaded.sign({})))
    expect(verdict).toMatchObject({ ok: true, address: wallet.address })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('a file is never overwritten', async () => {
    const path = join(folder, `once-${kind}.json`)
    await saveWallet(wallets[kind] as Wallet, path)
    const again = saveWallet(wallets['ed25519'] as Wallet, path)
    await expect(again).rejects.toMatchObject({ code: 'wallet-exists' })
    expect((await loadWallet(path)).address).toBe((wallets[kind] as Wallet).address)
  })

  test('showing it shows no secret', () => {
    const wallet = wallets[kind] as Wallet
    const { d } = JSON.parse(wallet.toJwk()) as { d: string }
    const shown = [
      inspect(wallet, { depth: 9, showHidden: true }),
      JSON.stringify({ wallet }),
      inspect([wallet]),
    ].join('\n')
    expect(shown).toContain(wallet.address)
    expect(shown).not.toContain(d)
    expect(shown).not.toContain('PRIVATE')
    expect(Object.keys(JSON.parse(JSON.stringify(wallet)) as object)).toEqual(['address', 'kind'])
  })

  test('a file whose parts disagree is refused, and no error quotes it', async () => {
    const jwk = JSON.parse((wallets[kind] as Wallet).toJwk()) as Record<string, string>
    const other = JSON.parse((await generateWallet(kind)).toJwk()) as Record<string, string>
    const part = kind === 'rsa' ? 'n' : 'x'
    for (const bent of [{ ...jwk, [part]: other[part] }, { ...jwk, d: other['d'] }]) {
      const text = refusal(bent as crypto.JsonWebKey)
      expect(text).not.toBe('accepted')
      expect(text).not.toContain(jwk['d'])
      expect(text).not.toContain(other['d'])
    }
  })
})

test('the address is that of Arweave: base64url of SHA-256 of the modulus', () => {
  const { n } = JSON.parse((wallets['rsa'] as Wallet).toJwk()) as { n: string }
  const hash = crypto.createHash('sha256').update(Buffer.from(n, 'base64url')).digest('base64url')
  expect((wallets['rsa'] as Wallet).address).toBe(hash)
})

test.each([
  ['no JSON', '{"kty":"RSA", secret'],
  ['no object', '[1]'],
  ['null', 'null'],
  ['an unknown type', '{"kty":"EC","crv":"P-256","d":"AAAA","x":"AAAA","y":"AAAA"}'],
  ['a type that is no text', '{"kty":7,"d":"AAAA"}'],
  ['RSA without numbers', '{"kty":"RSA","e":"AQAB","d":"AAAA"}'],
])('refused: %s', (_, text) => {
  expect(refusal(text)).toMatch(/^this is not a wallet file/)
  expect(refusal(text)).not.toContain('secret')
})

test('refused: a public key, another exponent, a key of 2048 bits, X25519', () => {
  const { d, ...open } = JSON.parse((wallets['rsa'] as Wallet).toJwk()) as crypto.JsonWebKey
  expect(d).toBeDefined()
  expect(refusal(open)).toContain('no private key')
  expect(refusal({ ...open, d: d as string, e: 'Aw' })).toContain('65537')
  const small = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  expect(refusal(small.export({ format: 'jwk' }))).toContain('4096')
  const other = crypto.generateKeyPairSync('x25519').privateKey
  expect(refusal(other.export({ format: 'jwk' }))).toContain('neither RSA nor Ed25519')
})
