// `SmartWeave.kv`: a store of values by key, kept in the process's state under its reserved key, so
// that it is hashed, recorded and taken back with it. One expression, `(reserved) => kv`.
//
// Owners: `reserved(make)` gives the state's reserved part, making it where asked to. Invariants:
// K1 what is put and got are copies: only `put` and `del` change the store. K2 keys come in the
// order of their UTF-16 units; a range takes from `gte` on, and what is below `lt`. K3 null is
// nothing: putting it deletes.
((reserved) => {
  'use strict'
  const SEPARATOR = '!'

  function checked(key) {
    if (typeof key !== 'string') throw new TypeError('a key of SmartWeave.kv must be a text')
    if (key.includes(SEPARATOR) || key === '__proto__') {
      throw new Error('Validation error: ' + key + ' cannot be a key of SmartWeave.kv')
    }
    return key
  }
  function copy(value) {
    if (typeof value !== 'object' || value === null) return value
    return JSON.parse(JSON.stringify(value))
  }
  function stored() {
    return reserved(false)?.kv
  }
  function get(key) {
    const values = stored()
    return values !== undefined && Object.hasOwn(values, key) ? copy(values[key]) : null
  }
  function remove(key) {
    const values = stored()
    if (values !== undefined) delete values[key]
  }
  function put(key, value) {
    const text = JSON.stringify(value)
    if (text === undefined || text === 'null') {
      remove(key)
      return
    }
    const part = reserved(true)
    if (!Object.hasOwn(part, 'kv')) part.kv = {}
    part.kv[key] = JSON.parse(text)
  }
  /** Whether what is kept under the key is in the range: a key is followed by the separator. */
  function isWithin(key, { gte, lt }) {
    const place = key + SEPARATOR
    return (!gte || place >= gte) && (!lt || place < lt)
  }
  function range(options) {
    const wanted = options ?? {}
    const values = stored()
    const keys = values === undefined ? [] : Object.keys(values)
    const found = keys.filter((key) => isWithin(key, wanted)).sort()
    if (wanted.reverse) found.reverse()
    return wanted.limit ? found.slice(0, wanted.limit) : found
  }

  return {
    async get(key) {
      return get(checked(key))
    },
    async put(key, value) {
      put(checked(key), value)
    },
    async del(key) {
      remove(checked(key))
    },
    async keys(options) {
      return range(options)
    },
    async kvMap(options) {
      const map = new Map()
      for (const key of range(options)) map.set(key, get(key))
      return map
    },
  }
})
