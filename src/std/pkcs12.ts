// The certificates of a PKCS#12 file (RFC 7292), as Java's keytool and OpenSSL write them: Node
// reads such a file only where it holds a private key, and a trust store holds none.
//
//   PFX ::= { version, authSafe ContentInfo(data AuthenticatedSafe), macData { digest, salt, n } }
//   AuthenticatedSafe ::= ContentInfo(data SafeContents | encryptedData SafeContents)*
//   SafeContents ::= { bagId, [0] bag, attributes }*, of which certBag { x509, [0] DER } is read
//
// Invariants: whatever the bytes are, it throws Pkcs12Error or gives certificates; the mac is
// checked before anything in the file is believed; no text of an error holds the password.

import {
  createDecipheriv,
  createHash,
  createHmac,
  pbkdf2Sync,
  timingSafeEqual,
  X509Certificate,
} from 'node:crypto'

export class Pkcs12Error extends Error {
  override readonly name = 'Pkcs12Error'
}

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  certBag: '1.2.840.113549.1.12.10.1.3',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  sha1And3Des: '1.2.840.113549.1.12.1.3',
} as const

const DIGESTS: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
const HMACS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}
const CIPHERS: Readonly<Record<string, { name: string; keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
}
const ROUNDS_MAX = 1_000_000

/** PEM of each certificate, in the order of the file. */
export function pkcs12Certificates(bytes: Uint8Array, password: string): string[] {
  try {
    return certificatesIn(Buffer.from(bytes), password)
  } catch (error) {
    if (error instanceof Pkcs12Error) throw error
    throw new Pkcs12Error('it is damaged')
  }
}

function certificatesIn(bytes: Buffer, password: string): string[] {
  const [, authSafe, macData] = children(node(bytes))
  if (authSafe === undefined) throw new Pkcs12Error('it is no PKCS#12 file')
  const [type, content] = children(authSafe)
  if (type === undefined || content === undefined || oid(type) !== OID.data) {
    throw new Pkcs12Error('it is signed with a key, which is not supported')
  }
  const safes = node(content.body).body
  if (macData !== undefined) checkMac(macData, safes, password)
  const bags = children(node(safes)).flatMap((info) => children(node(safeContents(info, password))))
  return bags.flatMap((bag) => {
    const [id, value] = children(bag)
    if (id === undefined || value === undefined || oid(id) !== OID.certBag) return []
    const [, der] = children(node(value.body))
    if (der === undefined) throw new Pkcs12Error('it is damaged')
    return [new X509Certificate(node(der.body).body).toString()]
  })
}

function safeContents(info: Node, password: string): Buffer {
  const [type, content] = children(info) as [Node, Node]
  if (oid(type) === OID.data) return node(content.body).body
  if (oid(type) !== OID.encryptedData) throw new Pkcs12Error('it is encrypted for a key')
  const [, encrypted] = children(node(content.body)) as [Node, Node]
  const [, algorithm, cipherText] = children(encrypted) as [Node, Node, Node]
  const decipher = decipherOf(algorithm, password)
  // long ones come in pieces
  const { constructed, body } = cipherText
  const pieces = constructed ? children(cipherText).map((piece) => piece.body) : [body]
  try {
    return Buffer.concat([...pieces.map((piece) => decipher.update(piece)), decipher.final()])
  } catch {
    throw new Pkcs12Error('its password is another one')
  }
}

function decipherOf(algorithm: Node, password: string) {
  const [id, parameters] = children(algorithm) as [Node, Node]
  if (oid(id) === OID.sha1And3Des) {
    const [salt, rounds] = children(parameters) as [Node, Node]
    const derive = (purpose: number, size: number): Buffer =>
      derived('sha1', password, salt.body, { rounds: whole(rounds), purpose, size })
    return createDecipheriv('des-ede3-cbc', derive(1, 24), derive(2, 8))
  }
  if (oid(id) !== OID.pbes2) {
    throw new Pkcs12Error('its encryption is too old: write it again with a newer keytool')
  }
  const [derivation, scheme] = children(parameters) as [Node, Node]
  const [derivationId, derivationParameters] = children(derivation) as [Node, Node]
  const [cipherId, iv] = children(scheme) as [Node, Node]
  const cipher = CIPHERS[oid(cipherId)]
  if (oid(derivationId) !== OID.pbkdf2 || cipher === undefined) {
    throw new Pkcs12Error('its encryption is not known')
  }
  const [salt, rounds, ...rest] = children(derivationParameters) as [Node, Node, ...Node[]]
  const prf = rest.find(({ tag }) => tag === 0x30)
  const digest = prf === undefined ? 'sha1' : HMACS[oid(children(prf)[0] as Node)]
  if (digest === undefined) throw new Pkcs12Error('its encryption is not known')
  const key = pbkdf2Sync(password, salt.body, whole(rounds), cipher.keyBytes, digest)
  return createDecipheriv(cipher.name, key, iv.body)
}

function checkMac(macData: Node, content: Buffer, password: string): void {
  const [digestInfo, salt, rounds] = children(macData) as [Node, Node, Node | undefined]
  const [algorithm, expected] = children(digestInfo) as [Node, Node]
  const digest = DIGESTS[oid(children(algorithm)[0] as Node)]
  if (digest === undefined) throw new Pkcs12Error('its mac is of a kind that is not known')
  const size = createHash(digest).digest().length
  const count = rounds === undefined ? 1 : whole(rounds)
  const key = derived(digest, password, salt.body, { rounds: count, purpose: 3, size })
  const mac = createHmac(digest, key).update(content).digest()
  if (mac.length !== expected.body.length || !timingSafeEqual(mac, expected.body)) {
    throw new Pkcs12Error('its password is another one, or it is damaged')
  }
}

/** RFC 7292, appendix B.2. The password is UTF-16, big-endian, with two zero bytes behind it. */
function derived(
  digest: string,
  password: string,
  salt: Buffer,
  { rounds, purpose, size }: { rounds: number; purpose: number; size: number },
): Buffer {
  const block = digest === 'sha384' || digest === 'sha512' ? 128 : 64
  const text = Buffer.from(`${password}\0`, 'utf16le').swap16()
  const filled = (bytes: Buffer): Buffer =>
    Buffer.alloc(block * Math.ceil(bytes.length / block), bytes)
  const diversifier = Buffer.alloc(block, purpose)
  const input = Buffer.concat([filled(salt), filled(text)])
  const out: Buffer[] = []
  for (let have = 0; have < size; ) {
    let hash = createHash(digest).update(diversifier).update(input).digest()
    for (let n = 1; n < rounds; n++) hash = createHash(digest).update(hash).digest()
    out.push(hash)
    have += hash.length
    const step = Buffer.alloc(block, hash)
    for (let at = 0; at < input.length; at += block) addTo(input.subarray(at, at + block), step)
  }
  return Buffer.concat(out).subarray(0, size)
}

/** As one large number each, plus one. */
function addTo(target: Buffer, step: Buffer): void {
  let carry = 1
  for (let at = target.length - 1; at >= 0; at--) {
    carry += (target[at] as number) + (step[at] as number)
    target[at] = carry & 0xff
    carry >>= 8
  }
}

type Node = {
  readonly tag: number
  readonly constructed: boolean
  readonly body: Buffer
  readonly end: number
}

/** DER: one tag, its length and body. */
function node(bytes: Buffer, at = 0): Node {
  const tag = bytes[at]
  let length = bytes[at + 1]
  if (tag === undefined || length === undefined) throw new Pkcs12Error('it is cut off')
  let start = at + 2
  if (length === 0x80) throw new Pkcs12Error('it is not DER: write it again with a newer keytool')
  if (length > 0x80) {
    const bytesOfLength = length - 0x80
    if (bytesOfLength > 4) throw new Pkcs12Error('it is damaged')
    length = bytes.readUIntBE(start, bytesOfLength)
    start += bytesOfLength
  }
  const end = start + length
  if (end > bytes.length) throw new Pkcs12Error('it is cut off')
  return { tag, constructed: (tag & 0x20) !== 0, body: bytes.subarray(start, end), end }
}

function children({ body }: Node): Node[] {
  const found: Node[] = []
  for (let at = 0; at < body.length; ) {
    const child = node(body, at)
    found.push(child)
    at = child.end
  }
  return found
}

function oid({ tag, body }: Node): string {
  if (tag !== 0x06) throw new Pkcs12Error('it is no PKCS#12 file')
  const parts: number[] = []
  let part = 0
  for (const byte of body) {
    part = part * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    // the first two share a byte
    const first = Math.min(2, Math.floor(part / 40))
    if (parts.length === 0) parts.push(first, part - 40 * first)
    else parts.push(part)
    part = 0
  }
  return parts.join('.')
}

function whole({ body }: Node): number {
  if (body.length === 0 || body.length > 5) throw new Pkcs12Error('it is damaged')
  const value = body.readUIntBE(0, body.length)
  if (value > ROUNDS_MAX) throw new Pkcs12Error(`it asks for ${value} rounds`)
  return value
}
