// Makes the realm that contracts run in: takes away what could carry something from one message to
// the next or show the machine, wraps natives whose cost the engine's gas does not see, then
// freezes every intrinsic (R4).
//
// Runs once, when the image of the engine's memory is made: `(charge, state) => realm`, where
// `state` knows the keys of state proxies. Invariants: M1 nothing reachable from a contract is
// writable but what the message itself made. M2 a native whose work grows with its input is charged
// before it runs, in gas (about 50 ns each), or is not there.
((charge, state) => {
  'use strict'
  const G = globalThis
  const { apply, construct, ownKeys, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } =
    Reflect
  const { freeze } = Object
  const { isArray } = Array

  const names =
    'eval WeakRef FinalizationRegistry SharedArrayBuffer Atomics Proxy performance navigator'
  for (const name of names.split(' ')) delete G[name]

  // ---- natives: [owner, name, cost(self, arguments)]; a cost below FREE is not charged
  const FREE = 64
  const lengthOf = (value) => {
    if (typeof value === 'string') return value.length
    if (typeof value !== 'object' || value === null) return 0
    if (isArray(value) || isView(value)) return value.length
    return 0
  }
  const isView = (value) => ArrayBuffer.isView(value)
  const chars = (self) => lengthOf(self) >> 3
  const items = (self) => lengthOf(self) >> 1
  const both = (self, list) => (lengthOf(self) + lengthOf(list[0])) >> 3
  const all = (self, list) => {
    let sum = lengthOf(self)
    for (let i = 0; i < list.length; i++) sum += lengthOf(list[i])
    return sum >> 1
  }
  const sorting = (self) => {
    const n = lengthOf(self)
    return n < 2 ? 0 : n * (32 - Math.clz32(n))
  }
  const repeated = (self, list) => {
    const times = +list[0]
    return times > 0 ? (lengthOf(self) * times) / 4 : 0
  }
  const padded = (self, list) => +list[0] / 4
  const searched = (self, list) => {
    const n = lengthOf(self)
    const m = lengthOf(list[0])
    return m > 1 ? (n * (m < 8 ? m : 8)) / 8 + m / 8 : n >> 3
  }
  /** Text in, text out: the replacement may be put in once per character. */
  const replaced = (self, list) => {
    const n = lengthOf(self)
    const found = lengthOf(list[0])
    return (n >> 2) + (lengthOf(list[1]) * (found === 0 ? n + 1 : n / found)) / 8
  }
  const typed = (self, list) => {
    const first = list[0]
    if (typeof first === 'number') return first >> 2
    return lengthOf(first) >> 1
  }
  const nothing = () => 0

  function wrap(owner, name, cost) {
    const descriptor = getOwnPropertyDescriptor(owner, name)
    if (descriptor === undefined || typeof descriptor.value !== 'function') return
    const native = descriptor.value
    // A method, so that like the native it is no constructor and has no prototype.
    const wrapped = {
      call(...list) {
        const price = cost(this, list)
        if (price > FREE) charge(price)
        return apply(native, this, list)
      },
    }.call
    defineProperty(wrapped, 'name', { __proto__: null, value: native.name, configurable: true })
    defineProperty(wrapped, 'length', { __proto__: null, value: native.length, configurable: true })
    defineProperty(owner, name, { ...descriptor, value: wrapped })
  }
  function wrapAll(owner, list, cost) {
    for (const name of list.split(' ')) wrap(owner, name, cost)
  }

  const A = Array.prototype
  const S = String.prototype
  wrapAll(A, 'join toString toLocaleString indexOf lastIndexOf includes reverse toReversed', items)
  wrapAll(A, 'slice splice toSpliced copyWithin fill with flat', items)
  wrapAll(A, 'shift unshift', chars)
  wrapAll(A, 'concat', all)
  wrapAll(A, 'sort toSorted', sorting)
  wrapAll(Array, 'of', all)
  wrapAll(S, 'trim trimStart trimEnd toLowerCase toUpperCase', chars)
  wrapAll(S, 'normalize toWellFormed isWellFormed localeCompare toLocaleLowerCase', items)
  wrapAll(S, 'toLocaleUpperCase', items)
  wrapAll(S, 'concat startsWith endsWith', both)
  wrapAll(S, 'indexOf lastIndexOf includes', searched)
  wrapAll(S, 'split', (self, list) => searched(self, list) + items(self))
  wrapAll(S, 'replace replaceAll', replaced)
  wrapAll(S, 'repeat', repeated)
  wrapAll(S, 'padStart padEnd', padded)
  const nativeExec = Function.prototype.call.bind(RegExp.prototype.exec)
  const exec = {
    exec(value) {
      charge(typeof value === 'string' ? 400 + (value.length >> 1) : 400)
      return nativeExec(this, value)
    },
  }.exec
  defineProperty(RegExp.prototype, 'exec', {
    ...getOwnPropertyDescriptor(RegExp.prototype, 'exec'),
    value: exec,
  })
  wrapAll(JSON, 'parse', (self, list) => lengthOf(list[0]) >> 1)
  wrapAll(Object, 'freeze seal isFrozen isSealed', (self, list) => lengthOf(list[0]))
  wrapAll(Object, 'fromEntries groupBy', (self, list) => lengthOf(list[0]))
  const coders = 'encodeURI encodeURIComponent decodeURI decodeURIComponent escape unescape'
  wrapAll(G, coders, (self, list) => lengthOf(list[0]))
  wrapAll(G, 'parseInt parseFloat', (self, list) => lengthOf(list[0]) >> 3)
  wrapAll(Function.prototype, 'apply', (self, list) => lengthOf(list[1]) >> 1)
  wrapAll(Reflect, 'apply', (self, list) => lengthOf(list[2]) >> 1)
  const T = getPrototypeOf(Uint8Array.prototype)
  wrapAll(T, 'join toString toLocaleString indexOf lastIndexOf includes reverse toReversed', items)
  wrapAll(T, 'slice copyWithin fill with set', all)
  wrapAll(T, 'sort toSorted', sorting)
  wrapAll(ArrayBuffer.prototype, 'slice resize transfer transferToFixedLength', (self) =>
    self instanceof ArrayBuffer ? self.byteLength >> 3 : 0,
  )

  /** Constructors whose arguments are lengths or texts: the same object by another door. */
  function wrapConstructor(name, cost) {
    const Native = G[name]
    if (Native === undefined) return
    const Wrapped = function (...list) {
      const price = cost(this, list)
      if (price > FREE) charge(price)
      return new.target === undefined
        ? apply(Native, undefined, list)
        : construct(Native, list, new.target === Wrapped ? Native : new.target)
    }
    for (const key of ownKeys(Native)) {
      const descriptor = getOwnPropertyDescriptor(Native, key)
      if (key === 'prototype') {
        defineProperty(Native.prototype, 'constructor', {
          ...getOwnPropertyDescriptor(Native.prototype, 'constructor'),
          value: Wrapped,
        })
      }
      defineProperty(Wrapped, key, descriptor)
    }
    Object.setPrototypeOf(Wrapped, getPrototypeOf(Native))
    defineProperty(G, name, { ...getOwnPropertyDescriptor(G, name), value: Wrapped })
  }
  const views =
    'Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array ' +
    'BigInt64Array BigUint64Array Float16Array Float32Array Float64Array'
  for (const name of views.split(' ')) wrapConstructor(name, typed)
  wrapConstructor('ArrayBuffer', (self, list) => {
    const size = +list[0] || 0
    const most = typeof list[1] === 'object' && list[1] !== null ? +list[1].maxByteLength || 0 : 0
    return (size > most ? size : most) / 16
  })
  wrapConstructor('Array', (self, list) => (list.length === 1 ? 0 : list.length >> 1))
  wrapConstructor('RegExp', (self, list) => 400 + lengthOf(list[0]))
  // BigInt is no constructor, and every token calls it: a wrapper of its own, without a list of
  // arguments. The digits of a text cost more than their number; the engine bounds them, and the
  // meter what is done with them.
  const NativeBigInt = BigInt
  const big = {
    BigInt(value) {
      if (typeof value === 'string' && value.length > FREE) charge(value.length * 4)
      return NativeBigInt(value)
    },
  }.BigInt
  for (const key of ownKeys(NativeBigInt)) {
    defineProperty(big, key, getOwnPropertyDescriptor(NativeBigInt, key))
  }
  defineProperty(NativeBigInt.prototype, 'constructor', {
    ...getOwnPropertyDescriptor(NativeBigInt.prototype, 'constructor'),
    value: big,
  })
  defineProperty(G, 'BigInt', { ...getOwnPropertyDescriptor(G, 'BigInt'), value: big })

  // ---- code from text: one of the ways for a module to be more than what was hashed
  const refuse = {
    call() {
      throw new TypeError('code cannot be made from text')
    },
  }.call
  for (const sample of [function () {}, function* () {}, async () => {}, async function* () {}]) {
    const proto = getPrototypeOf(sample)
    const ctor = function Function() {
      return refuse()
    }
    defineProperty(ctor, 'prototype', { __proto__: null, value: proto, writable: false })
    defineProperty(proto, 'constructor', { __proto__: null, value: ctor, configurable: true })
    if (proto === Function.prototype) defineProperty(G, 'Function', { value: ctor })
  }

  // ---- enumeration of state proxies, without the quadratic check of the engine; and JSON, charged
  // by what came out
  const nativeJson = JSON.stringify
  const { keys: nativeKeys, getOwnPropertyNames: nativeNames } = Object
  function listed(value) {
    const known = typeof value === 'object' && value !== null ? state.keysOf(value) : undefined
    if (known !== undefined) return known
    const list = nativeKeys(value)
    if (list.length > 16) charge(list.length)
    return list
  }
  const replacements = {
    keys: (value) => listed(value),
    values: (value) => {
      const list = listed(value)
      for (let i = 0; i < list.length; i++) list[i] = value[list[i]]
      return list
    },
    entries: (value) => {
      const list = listed(value)
      for (let i = 0; i < list.length; i++) list[i] = [list[i], value[list[i]]]
      return list
    },
    getOwnPropertyNames: (value) => {
      const known = typeof value === 'object' && value !== null ? state.keysOf(value) : undefined
      if (known === undefined) return nativeNames(value)
      if (isArray(value)) known[known.length] = 'length'
      return known
    },
  }
  for (const name of nativeKeys(replacements)) {
    defineProperty(Object, name, {
      ...getOwnPropertyDescriptor(Object, name),
      value: { [name]: replacements[name] }[name],
    })
  }
  const own = { ...getOwnPropertyDescriptor(Object, 'hasOwn'), value: state.hasOwn }
  defineProperty(Object, 'hasOwn', own)
  const stringify = {
    stringify(value, replacer, space) {
      const out = nativeJson(value, replacer, space)
      if (out !== undefined && out.length > FREE) charge(out.length >> 2)
      return out
    },
  }.stringify
  defineProperty(stringify, 'length', { __proto__: null, value: 3, configurable: true })
  defineProperty(JSON, 'stringify', {
    ...getOwnPropertyDescriptor(JSON, 'stringify'),
    value: stringify,
  })

  // ---- randomness is a function of the entry
  let seedId = ''
  let seedHeight = 0
  let seeded = false
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  function word() {
    // sfc32 (PractRand): 128 bits of state, the same stream for the same entry.
    const t = (((s0 + s1) | 0) + s3) | 0
    s3 = (s3 + 1) | 0
    s0 = s1 ^ (s1 >>> 9)
    s1 = (s2 + (s2 << 3)) | 0
    s2 = ((s2 << 21) | (s2 >>> 11)) + t | 0
    return t >>> 0
  }
  function seed() {
    seeded = true
    const seedText = seedId + '/' + seedHeight
    s0 = 0x9e3779b9
    s1 = 0x243f6a88
    s2 = 0xb7e15162
    s3 = 1
    for (let i = 0; i < seedText.length; i++) {
      s0 = Math.imul(s0 ^ seedText.charCodeAt(i), 0x01000193)
      s1 = Math.imul(s1 ^ s0, 0x85ebca6b) ^ (s0 >>> 15)
      s2 = Math.imul(s2 ^ s1, 0xc2b2ae35) ^ (s1 >>> 13)
    }
    for (let i = 0; i < 15; i++) word()
  }
  defineProperty(Math, 'random', {
    ...getOwnPropertyDescriptor(Math, 'random'),
    value: {
      random() {
        if (!seeded) seed()
        return (word() * 2097152 + (word() >>> 11)) / 9007199254740992
      },
    }.random,
  })

  // ---- freezing
  // Names that heirs commonly override stay assignable on them (the "override mistake").
  const errors = 'EvalError RangeError ReferenceError SyntaxError TypeError URIError InternalError'
  const heirs = [Object, Function, Error, Promise, Iterator, AggregateError]
    .concat(errors.split(' ').map((name) => G[name]))
    .map((ctor) => ctor.prototype)
  const seen = new Set()
  // Frozen only when all are done: freezing one reaches the others.
  const behind = []
  for (const heir of heirs) for (const key of ownKeys(heir)) assignable(heir, key)
  for (const key of ['toString', 'constructor']) assignable(A, key)
  function assignable(owner, key) {
    const descriptor = getOwnPropertyDescriptor(owner, key)
    if (typeof key === 'symbol' || !descriptor.configurable || !('value' in descriptor)) return
    const { value } = descriptor
    const set = {
      set(next) {
        if (this === owner) throw new TypeError('intrinsics are frozen')
        defineProperty(this, key, {
          __proto__: null,
          value: next,
          writable: true,
          enumerable: true,
          configurable: true,
        })
      },
    }.set
    defineProperty(owner, key, {
      __proto__: null,
      configurable: false,
      enumerable: descriptor.enumerable,
      get: { get: () => value }.get,
      set,
    })
    behind[behind.length] = value
  }
  function harden(value) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return
    if (seen.has(value)) return
    seen.add(value)
    freeze(value)
    harden(getPrototypeOf(value))
    for (const key of ownKeys(value)) {
      const descriptor = getOwnPropertyDescriptor(value, key)
      if ('value' in descriptor) harden(descriptor.value)
      else {
        harden(descriptor.get)
        harden(descriptor.set)
      }
    }
  }
  const hidden = [
    function* () {},
    async () => {},
    async function* () {},
    [][Symbol.iterator](),
    ''[Symbol.iterator](),
    new Map().keys(),
    new Set().keys(),
    'a'.matchAll(/a/g),
    Iterator.from({ next: nothing }),
    [].values().map(nothing),
     
    (function () { return arguments })(),
  ]
  for (const value of hidden) harden(typeof value === 'function' ? value : getPrototypeOf(value))
  harden(hidden[0].prototype)
  harden(hidden[2].prototype)
  for (const value of behind) harden(value)
  harden(G)

  return {
    /** The message's seed, before its first line runs. */
    reseed(id, height) {
      seedId = id
      seedHeight = height
      seeded = false
    },
    count: seen.size,
  }
})
