// What a published SmartWeave contract finds beside its arguments: SmartWeave, ContractError,
// ContractAssert, BigNumber, logger, console, and the few things of a host that such contracts use.
// One expression, `(now, kv, bytes, makeBigNumber) => {forget}`; it runs once, before the realm is
// frozen, and what it defines is frozen with it.
//
// Owners: `now()` gives the facts of the message under way, or throws where there is none; `forget`
// lets go of what was made for the last one. Invariants: G1 nothing here is a function of anything
// but the entry: no clock, no network. G2 nothing a contract can reach here is kept between
// messages: BigNumber, with its configuration, is made anew when first used in a message.
((now, kv, bytes, makeBigNumber) => {
  'use strict'
  const { toUtf8, fromUtf8, toHex, toBase64, fromBase64, urlSafe, concat, sha256 } = bytes
  let big = null

  class ContractError extends Error {
    constructor(message) {
      super(message)
      this.name = 'ContractError'
    }
  }
  function define(name, value) {
    Object.defineProperty(globalThis, name, {
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    })
  }
  define('ContractError', ContractError)
  define('ContractAssert', {
    ContractAssert(condition, message) {
      if (!condition) throw new ContractError(message)
    },
  }.ContractAssert)
  function BigNumber() {
    if (big === null) big = makeBigNumber()
    return big
  }
  Object.defineProperty(globalThis, 'BigNumber', {
    get: { BigNumber: () => BigNumber() }.BigNumber,
    set: undefined,
    enumerable: false,
    configurable: true,
  })

  // ---- what the network cannot give, and what to do instead
  const CRANK =
    'a process reads and changes another by messages alone: return {state, messages} and go on ' +
    'when the reply comes (docs/guides, the crank)'
  function absent(name, why) {
    return {
      call() {
        throw new Error('SmartWeave.' + name + ' is not there: ' + why)
      },
    }.call
  }
  const OUTSIDE = 'nothing outside the log may change a result'

  // ---- the entry
  const transaction = {
    get id() {
      return now().id
    },
    get owner() {
      return now().owner
    },
    get target() {
      return now().target
    },
    get tags() {
      return now().tags
    },
    get quantity() {
      return now().quantity
    },
    get reward() {
      return now().reward
    },
    get sortKey() {
      return sortKey(now())
    },
    get origin() {
      return now().origin
    },
    get dryRun() {
      return now().dryRun
    },
  }
  const block = {
    get height() {
      return now().height
    },
    get timestamp() {
      return now().seconds
    },
    get indep_hash() {
      return blockHash(now())
    },
  }
  /** Names the entry's place; no block of Arweave has it. */
  function blockHash(facts) {
    if (facts.blockHash === undefined) {
      const text = 'hb.smartweave-block.1/' + facts.height + '/' + facts.id
      facts.blockHash = urlSafe(toBase64(sha256(toUtf8(text))))
    }
    return facts.blockHash
  }
  /** height of 12 digits, ms of 13, SHA-256 of block hash and id in hex: ordered as the entries. */
  function sortKey(facts) {
    if (facts.sortKey === undefined) {
      const hash = sha256(concat([fromBase64(blockHash(facts)), fromBase64(facts.id)]))
      const height = String(facts.height).padStart(12, '0')
      facts.sortKey = height + ',' + String(facts.ms).padStart(13, '0') + ',' + toHex(hash)
    }
    return facts.sortKey
  }

  // ---- a number that the entry decides. It proves nothing: who signs or orders the entry can try
  // again until it pleases him.
  function randomness(facts) {
    if (facts.vrf === undefined) {
      const hash = sha256(toUtf8('hb.smartweave-vrf.1/' + facts.id + '/' + facts.height))
      facts.vrf = {
        index: sortKey(facts),
        proof: '',
        bigint: BigInt('0x' + toHex(hash)).toString(),
        pubkey: '',
      }
    }
    return facts.vrf
  }
  const vrf = {
    get data() {
      return randomness(now())
    },
    get value() {
      return randomness(now()).bigint
    },
    /** From 1 to `most`. */
    randomInt(most) {
      if (!Number.isInteger(most)) {
        throw new Error('Integer max value required for random integer generation')
      }
      const drawn = (BigInt(randomness(now()).bigint) % BigInt(most)) + 1n
      if (drawn > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw new Error('Random int cannot be cast to number')
      }
      return Number(drawn)
    },
  }

  // ---- what makes sense of arweave-js
  const utils = {
    concatBuffers: concat,
    b64UrlToString: (text) => fromUtf8(fromBase64(text)),
    bufferToString: fromUtf8,
    stringToBuffer: toUtf8,
    stringToB64Url: (text) => urlSafe(toBase64(toUtf8(text))),
    b64UrlToBuffer: fromBase64,
    bufferTob64: toBase64,
    bufferTob64Url: (data) => urlSafe(toBase64(data)),
    b64UrlEncode: urlSafe,
    b64UrlDecode(text) {
      const plain = text.replace(/-/g, '+').replace(/_/g, '/')
      return plain + '='.repeat((4 - (plain.length % 4)) % 4)
    },
  }
  const crypto = {
    async hash(data, algorithm = 'SHA-256') {
      if (algorithm !== 'SHA-256') throw new Error('only SHA-256 is there, not ' + algorithm)
      return sha256(data)
    },
  }
  for (const name of 'generateJWK sign verify encrypt decrypt'.split(' ')) {
    crypto[name] = absent('arweave.crypto.' + name, 'a contract holds no keys; hash is there')
  }
  const wallets = {
    async ownerToAddress(owner) {
      return urlSafe(toBase64(sha256(fromBase64(owner))))
    },
  }
  for (const name of 'generate getBalance getLastTransactionID jwkToAddress'.split(' ')) {
    wallets[name] = absent('arweave.wallets.' + name, OUTSIDE)
  }
  function winston(value, decimals = 12) {
    const Ar = BigNumber().clone({ DECIMAL_PLACES: decimals })
    return new Ar(value)
  }
  const ar = {
    winstonToAr(value, { formatted = false, decimals = 12 } = {}) {
      const number = winston(value, decimals).shiftedBy(-12)
      return formatted ? number.toFormat(decimals) : number.toFixed(decimals)
    },
    arToWinston(value, { formatted = false } = {}) {
      const number = winston(value).shiftedBy(12)
      return formatted ? number.toFormat() : number.toFixed(0)
    },
    compare: (a, b) => winston(a).comparedTo(winston(b)),
    isEqual: (a, b) => winston(a).comparedTo(winston(b)) === 0,
    isLessThan: (a, b) => winston(a).isLessThan(winston(b)),
    isGreaterThan: (a, b) => winston(a).isGreaterThan(winston(b)),
    add: (a, b) => winston(a).plus(winston(b)).toFixed(0),
    sub: (a, b) => winston(a).minus(winston(b)).toFixed(0),
  }

  define('SmartWeave', {
    transaction,
    block,
    vrf,
    kv,
    contract: {
      get id() {
        return now().contract.id
      },
      get owner() {
        return now().contract.owner
      },
    },
    /** The entry as a contract of this network's own kind sees it. */
    get message() {
      return now().message
    },
    get caller() {
      return now().caller
    },
    arweave: { utils, crypto, wallets, ar },
    contracts: {
      readContractState: absent('contracts.readContractState', CRANK),
      viewContractState: absent('contracts.viewContractState', CRANK),
      write: absent('contracts.write', CRANK),
      refreshState: absent('contracts.refreshState', CRANK),
    },
    get unsafeClient() {
      return absent('unsafeClient', OUTSIDE)()
    },
    safeArweaveGet: absent('safeArweaveGet', OUTSIDE),
    getBalance: absent('getBalance', OUTSIDE),
    extensions: {},
  })

  // ---- of a host: what is said goes nowhere, what is computed is there
  const silent = {}
  for (const name of 'trace debug info log warn error fatal'.split(' ')) {
    silent[name] = { call() {} }.call
  }
  define('console', silent)
  define('logger', silent)
  define('global', globalThis)
  define('btoa', (text) => toBase64(latin1(text)))
  define('atob', (text) => {
    const data = fromBase64(text)
    let out = ''
    for (let i = 0; i < data.length; i++) out += String.fromCharCode(data[i])
    return out
  })
  function latin1(value) {
    const text = String(value)
    const data = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) {
      data[i] = text.charCodeAt(i)
      if (data[i] !== text.charCodeAt(i)) throw new Error('btoa: a character beyond Latin-1')
    }
    return data
  }
  class TextEncoder {
    encode(text = '') {
      return toUtf8(text)
    }
  }
  class TextDecoder {
    decode(data = []) {
      return fromUtf8(ArrayBuffer.isView(data) ? new Uint8Array(data) : data)
    }
  }
  define('TextEncoder', TextEncoder)
  define('TextDecoder', TextDecoder)

  return {
    forget() {
      big = null
    },
  }
})
