// The keys `ssl.*` of a Kafka client (and those that librdkafka adds), as what tls.connect takes.
//
// Invariants: T1 a store is what its bytes are, whatever its name; JKS is refused with the way out.
// T2 all of it is tried once (the authorities, the key, its password) before it is given on.

import { X509Certificate } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import { createSecureContext } from 'node:tls'
import { pkcs12Certificates } from '../../std/pkcs12.ts'
import type { Given } from './client-properties.ts'

export type SslOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'checkServerIdentity'
>

const TRUST = 'ssl.truststore'
const KEYS = 'ssl.keystore'

export const SSL_KEYS: readonly string[] = [
  ...[`${TRUST}.type`, `${TRUST}.location`, `${TRUST}.certificates`, `${TRUST}.password`],
  ...[`${KEYS}.type`, `${KEYS}.location`, `${KEYS}.password`],
  ...[`${KEYS}.certificate.chain`, `${KEYS}.key`, 'ssl.key.password'],
  ...['ssl.ca.location', 'ssl.certificate.location', 'ssl.key.location'],
  'ssl.endpoint.identification.algorithm',
]

type ReadFile = (path: string) => Uint8Array

/** True: nothing is said, so the system's own authorities count. */
export function sslOptions(given: Given, readFile: ReadFile): SslOptions | true {
  const options: SslOptions = {
    ...trustOf(given, readFile),
    ...keysOf(given, readFile),
    ...hostCheckOf(given),
  }
  return Object.keys(options).length === 0 ? true : options
}

function trustOf(given: Given, readFile: ReadFile): SslOptions {
  const inline = given.text(`${TRUST}.certificates`)
  const key = given.has(`${TRUST}.location`) ? `${TRUST}.location` : 'ssl.ca.location'
  const stored = given.text(key)
  if (inline === undefined && stored === undefined) return {}
  if (inline !== undefined) return { ca: checkedPem(given, `${TRUST}.certificates`, inline) }
  const bytes = read(given, key, readFile)
  if (kindOf(given, key, TRUST, bytes) === 'PEM') {
    return { ca: checkedPem(given, key, bytes.toString()) }
  }
  try {
    const ca = pkcs12Certificates(bytes, given.text(`${TRUST}.password`) ?? '')
    if (ca.length === 0) return given.fail(key, 'it holds no certificate')
    return { ca }
  } catch (error) {
    // its texts name no part of the file and no password
    if (error instanceof Error && error.name === 'Pkcs12Error') {
      return given.fail(key, error.message)
    }
    throw error
  }
}

function keysOf(given: Given, readFile: ReadFile): SslOptions {
  const location = `${KEYS}.location`
  const password = given.text('ssl.key.password')
  const secret = password === undefined ? {} : { passphrase: password }
  if (given.text(location) !== undefined) {
    const bytes = read(given, location, readFile)
    if (kindOf(given, location, KEYS, bytes) === 'PEM') {
      const pem = bytes.toString()
      return tried(given, location, { cert: pem, key: pem, ...secret })
    }
    const passphrase = given.text(`${KEYS}.password`) ?? password
    const options = { pfx: bytes, ...(passphrase !== undefined && { passphrase }) }
    return tried(given, location, options)
  }
  const text = (inline: string, file: string) => textOf(given, inline, file, readFile)
  const [chainKey, chain] = text(`${KEYS}.certificate.chain`, 'ssl.certificate.location')
  const [keyKey, key] = text(`${KEYS}.key`, 'ssl.key.location')
  if (chain === undefined && key === undefined) return {}
  if (chain === undefined) return given.fail(chainKey, 'is missing beside the key')
  if (key === undefined) return given.fail(keyKey, 'is missing beside the certificate')
  return tried(given, keyKey, { cert: chain, key, ...secret })
}

/** Of the key that holds the text itself, or of the file that the other names. */
function textOf(
  given: Given,
  inline: string,
  location: string,
  readFile: ReadFile,
): [key: string, text: string | undefined] {
  const text = given.text(inline)
  if (text !== undefined || given.text(location) === undefined) return [inline, text]
  return [location, read(given, location, readFile).toString()]
}

/** Kafka checks the host's name unless the algorithm is said to be none. */
function hostCheckOf(given: Given): SslOptions {
  const key = 'ssl.endpoint.identification.algorithm'
  if (!given.has(key)) return {}
  const algorithm = given.text(key)?.toLowerCase()
  if (algorithm === undefined || algorithm === 'none') {
    return { checkServerIdentity: () => undefined }
  }
  return algorithm === 'https' ? {} : given.fail(key, 'must be https, or empty for no check')
}

function read(given: Given, key: string, readFile: ReadFile): Buffer {
  try {
    return Buffer.from(readFile(given.text(key) ?? ''))
  } catch (error) {
    const { code } = error as { code?: unknown }
    const why = typeof code === 'string' && /^E[A-Z]+$/.test(code) ? ` (${code})` : ''
    return given.fail(key, `the file cannot be read${why}`)
  }
}

function kindOf(given: Given, key: string, store: string, bytes: Buffer): 'PEM' | 'PKCS12' {
  const said = given.text(`${store}.type`)?.toUpperCase()
  if (said !== undefined && !['PEM', 'PKCS12', 'JKS'].includes(said)) {
    return given.fail(`${store}.type`, 'must be PEM or PKCS12')
  }
  if (bytes.length >= 4 && bytes.readUInt32BE(0) === 0xfeedfeed) {
    return given.fail(
      key,
      'a JKS store cannot be read: convert it with "keytool -importkeystore -srckeystore <old>' +
        ' -destkeystore <new> -deststoretype PKCS12" and name the new one',
    )
  }
  const kind = bytes.includes('-----BEGIN ') ? 'PEM' : bytes[0] === 0x30 ? 'PKCS12' : undefined
  if (kind === undefined) return given.fail(key, 'the file is neither PEM nor PKCS12')
  // keytool calls PKCS12 stores JKS, too: Java reads either by either name
  if (said === 'PEM' ? kind !== 'PEM' : said !== undefined && kind === 'PEM') {
    return given.fail(key, `the file is ${kind}, which ${store}.type does not say`)
  }
  return kind
}

/** Each certificate of the text, alone, so that a broken one is found. */
function checkedPem(given: Given, key: string, pem: string): string[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0) return given.fail(key, 'it holds no certificate')
  for (const [index, each] of found.entries()) {
    try {
      new X509Certificate(each)
    } catch {
      given.fail(key, `its certificate ${index + 1} is damaged`)
    }
  }
  return [...found]
}

function tried(given: Given, key: string, options: SslOptions): SslOptions {
  try {
    createSecureContext(options)
    return options
  } catch {
    // what OpenSSL says of it may quote the file
    return given.fail(key, 'key, certificate and password do not fit, or one is damaged')
  }
}
