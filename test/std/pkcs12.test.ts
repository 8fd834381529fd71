import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { X509Certificate } from 'node:crypto'
import { Pkcs12Error, pkcs12Certificates } from '../../src/std/pkcs12.ts'
import {
  CA_PEM,
  JKS_TRUST,
  KEYTOOL_TRUST,
  KEY_PASSWORD,
  OLD_TRUST,
  OPENSSL_TRUST,
  PKCS12_KEY,
  RC2_TRUST,
  TRUST_PASSWORD,
} from './store-fixtures.ts'

const subjects = (pems: string[]): string[] => pems.map((pem) => new X509Certificate(pem).subject)

describe('certificates of a PKCS#12 file', () => {
  test.each([
    ['OpenSSL, PBES2', OPENSSL_TRUST, TRUST_PASSWORD, ['CN=hb-test-ca']],
    ['OpenSSL, SHA-1 and 3DES', OLD_TRUST, TRUST_PASSWORD, ['CN=hb-test-ca']],
    ['keytool, two', KEYTOOL_TRUST, TRUST_PASSWORD, ['CN=hb-test-ca', 'CN=hb-test-two']],
    ['beside a key', PKCS12_KEY, KEY_PASSWORD, ['CN=hb-test-ca']],
  ])('%s', (_, bytes, password, expected) => {
    const found = pkcs12Certificates(bytes, password)
    expect(subjects(found).sort()).toEqual(expected)
    expect(found.map((pem) => pem.trim())).toContain(CA_PEM.trim())
  })

  test('what cannot be read says why, and never the password', () => {
    const cases = [
      [OPENSSL_TRUST, 'another-secret', 'password'],
      [KEYTOOL_TRUST, '', 'password'],
      [RC2_TRUST, TRUST_PASSWORD, 'too old'],
      [JKS_TRUST, TRUST_PASSWORD, 'damaged'],
      [Buffer.alloc(0), TRUST_PASSWORD, 'cut off'],
      [OPENSSL_TRUST.subarray(0, 300), TRUST_PASSWORD, 'cut off'],
    ] as const
    for (const [bytes, password, why] of cases) {
      const read = (): string[] => pkcs12Certificates(bytes, password)
      expect(read).toThrow(Pkcs12Error)
      expect(read).toThrow(why)
      expect(read).not.toThrow(password === '' ? 'secret' : password)
    }
  })

  test('a changed byte is seen, and is an error of its own kind', () => {
    fc.assert(
      fc.property(fc.nat(OPENSSL_TRUST.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const bytes = Buffer.from(OPENSSL_TRUST)
        bytes[at] = (bytes[at] as number) ^ by
        try {
          // what the mac does not cover (names of attributes outside of it) may change nothing
          expect(subjects(pkcs12Certificates(bytes, TRUST_PASSWORD))).toEqual(['CN=hb-test-ca'])
        } catch (error) {
          expect(error).toBeInstanceOf(Pkcs12Error)
        }
      }),
      { numRuns: 300 },
    )
  })
})
