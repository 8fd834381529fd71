// Texts, bytes and SHA-256 for what a SmartWeave contract finds under `SmartWeave.arweave`: the
// sandbox's engine has none of them. One expression, `() => functions`.
//
// Owners: nothing is kept. Invariants: B1 every loop is a loop of the script, so the engine's own
// gas counts it. B2 SHA-256 is that of FIPS 180-4, UTF-8 that of the Encoding standard.
(() => {
  'use strict'
  const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const VALUES = { __proto__: null, '-': 62, _: 63 }
  for (let i = 0; i < 64; i++) VALUES[DIGITS[i]] = i

  function toUtf8(text) {
    const source = String(text)
    const bytes = new Uint8Array(source.length * 3)
    let size = 0
    for (let i = 0; i < source.length; i++) {
      let code = source.charCodeAt(i)
      if (code >= 0xd800 && code < 0xe000) {
        const low = source.charCodeAt(i + 1)
        const isPair = code < 0xdc00 && low >= 0xdc00 && low < 0xe000
        code = isPair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xfffd
        if (isPair) i += 1
      }
      if (code < 0x80) bytes[size++] = code
      else {
        if (code < 0x800) bytes[size++] = 0xc0 | (code >> 6)
        else {
          if (code < 0x10000) bytes[size++] = 0xe0 | (code >> 12)
          else {
            bytes[size++] = 0xf0 | (code >> 18)
            bytes[size++] = 0x80 | ((code >> 12) & 63)
          }
          bytes[size++] = 0x80 | ((code >> 6) & 63)
        }
        bytes[size++] = 0x80 | (code & 63)
      }
    }
    return bytes.slice(0, size)
  }
  /** Throws a TypeError for what is no UTF-8. */
  function fromUtf8(data) {
    const bytes = new Uint8Array(data)
    // Escapes of it, which the engine's own decoder reads and checks.
    let escaped = ''
    for (let i = 0; i < bytes.length; i++) escaped += (bytes[i] < 16 ? '%0' : '%') + hexOf(bytes[i])
    try {
      return decodeURIComponent(escaped)
    } catch {
      throw new TypeError('the bytes are no UTF-8')
    }
  }
  function hexOf(number) {
    return number.toString(16)
  }
  function toHex(bytes) {
    let text = ''
    for (let i = 0; i < bytes.length; i++) text += (bytes[i] < 16 ? '0' : '') + hexOf(bytes[i])
    return text
  }
  function toBase64(data) {
    const bytes = new Uint8Array(data)
    let text = ''
    for (let i = 0; i < bytes.length; i += 3) {
      const rest = bytes.length - i
      const three = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
      text += DIGITS[three >> 18] + DIGITS[(three >> 12) & 63]
      text += rest > 1 ? DIGITS[(three >> 6) & 63] : '='
      text += rest > 2 ? DIGITS[three & 63] : '='
    }
    return text
  }
  /** Of either alphabet, padded or not. */
  function fromBase64(value) {
    const text = String(value)
    let length = text.length
    while (length > 0 && text[length - 1] === '=') length -= 1
    if (length % 4 === 1) throw new Error('the text is no base64: its length')
    const bytes = new Uint8Array((length * 3) >> 2)
    let held = 0
    let size = 0
    for (let i = 0; i < length; i++) {
      const digit = VALUES[text[i]]
      if (digit === undefined) throw new Error('the text is no base64: ' + text[i])
      held = (held << 6) | digit
      if (i % 4 > 0) bytes[size++] = (held >> (6 - 2 * (i % 4))) & 255
    }
    return bytes
  }
  function urlSafe(base64) {
    return base64.replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')
  }
  function concat(list) {
    let size = 0
    for (let i = 0; i < list.length; i++) size += list[i].byteLength
    const all = new Uint8Array(size)
    size = 0
    for (let i = 0; i < list.length; i++) {
      all.set(new Uint8Array(list[i]), size)
      size += list[i].byteLength
    }
    return all
  }

  // The first 32 bits of the fractional parts of the roots of the first primes.
  const START = []
  const ROUND = []
  for (let n = 2; ROUND.length < 64; n++) {
    let isPrime = true
    for (let i = 2; i * i <= n; i++) if (n % i === 0) isPrime = false
    if (!isPrime) continue
    if (START.length < 8) START.push(fraction(n, 2n))
    ROUND.push(fraction(n, 3n))
  }
  /** Exactly: the whole part of the root of n · 2^(32 · degree), its lower 32 bits. */
  function fraction(n, degree) {
    const wanted = BigInt(n) << (32n * degree)
    let root = 0n
    for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) {
      if ((root + bit) ** degree <= wanted) root += bit
    }
    return Number(BigInt.asIntN(32, root))
  }

  function sha256(data) {
    const bytes = new Uint8Array(data)
    const { length } = bytes
    const blocks = (length + 72) >> 6
    const state = START.slice()
    const words = new Int32Array(64)
    for (let block = 0; block < blocks; block++) {
      for (let i = 0; i < 16; i++) {
        const at = block * 64 + i * 4
        words[i] =
          (padded(bytes, at) << 24) |
          (padded(bytes, at + 1) << 16) |
          (padded(bytes, at + 2) << 8) |
          padded(bytes, at + 3)
      }
      if (block === blocks - 1) {
        words[14] = Math.floor(length / 0x20000000)
        words[15] = length << 3
      }
      compress(state, words)
    }
    const digest = new Uint8Array(32)
    for (let i = 0; i < 32; i++) digest[i] = state[i >> 2] >>> (24 - 8 * (i & 3))
    return digest
  }
  function padded(bytes, at) {
    if (at < bytes.length) return bytes[at]
    return at === bytes.length ? 0x80 : 0
  }
  function turned(word, by) {
    return (word >>> by) | (word << (32 - by))
  }
  function compress(state, words) {
    for (let i = 16; i < 64; i++) {
      const x = words[i - 15]
      const y = words[i - 2]
      const s0 = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3)
      const s1 = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10)
      words[i] = words[i - 16] + s0 + words[i - 7] + s1
    }
    let [a, b, c, d, e, f, g, h] = state
    for (let i = 0; i < 64; i++) {
      const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + words[i]) | 0
      const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    const next = [a, b, c, d, e, f, g, h]
    for (let i = 0; i < 8; i++) state[i] = (state[i] + next[i]) | 0
  }

  return { toUtf8, fromUtf8, toHex, toBase64, fromBase64, urlSafe, concat, sha256 }
})
