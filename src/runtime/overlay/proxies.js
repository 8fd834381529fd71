// The write overlay, first half: what a message sees. The state is seen through proxies over nodes;
// the raw state stays untouched. One expression, `(limits) => nodes`; settle.js is the other half,
// edits.js what comes after it; overlay.ts puts them together.
//
// Owners: this half owns the nodes and proxies of the message under way, and the refusal it last
// threw. Invariants: as O1–O5 of settle.js.
//
// Words: raw, a plain value of the state · node, the overlay of one raw container · ov, what was
// written to it · re, keys that were deleted and added again · cut, the length up to which an
// array's raw elements are still its own · hot, it or a node below it was written to.
((limits) => {
  'use strict'
  const { get: reflectGet, set: reflectSet } = Reflect
  const { hasOwn, create, keys } = Object
  const { isArray } = Array
  const objectProto = Object.prototype
  const arrayProto = Array.prototype
  const TypeFault = TypeError
  const RangeFault = RangeError
  const ProxyOf = Proxy
  const WeakMapOf = WeakMap
  const text = String
  const number = Number
  const nodeOf = Function.prototype.call.bind(WeakMap.prototype.get)
  const register = Function.prototype.call.bind(WeakMap.prototype.set)
  const DELETED = { __proto__: null }
  const LEAF = { __proto__: null, string: 1, number: 1, boolean: 1 }
  /** What a node has until it is written: a property costs the engine more than all else here. */
  const UNWRITTEN = { __proto__: null, ov: null, kids: null, hot: false, re: null }
  /**
   * Costs that the engine does not see are told to the host before they are caused (R4); a no-op in
   * V8.
   */
  const charge = limits.charge

  let nodes = []
  /** Nodes that were written to, in the order of their first writes. */
  let touched = []
  /** All that was written are texts in the place of texts; see LISTED of overlay.ts. */
  let plain = true
  let proxies = null
  let open = false
  let fault = null
  let faultCode = ''

  function refuse(why, code = 'state-not-json') {
    faultCode = code
    fault = new TypeFault(code + ': ' + why)
    throw fault
  }
  const isObject = (value) => typeof value === 'object' && value !== null
  /** The array index that a key names, else -1. */
  function indexOf(key) {
    if (typeof key !== 'string' || !(key[0] <= '9')) return -1
    const index = key >>> 0
    return '' + index === key && index !== 4294967295 ? index : -1
  }
  const described = (value) => ({
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })

  // ---- while the message runs: proxies over nodes

  function nodeFor(raw, up, key) {
    const node = { __proto__: UNWRITTEN, raw, up, key }
    if (isArray(raw)) {
      node.length = node.cut = raw.length
      node.proxy = new ProxyOf([node], arrayTraps)
    } else node.proxy = new ProxyOf(node, objectTraps)
    if (proxies !== null) register(proxies, node.proxy, node)
    nodes[nodes.length] = node
    return node
  }
  /** The node of a proxy of this message; the map is made when first asked for. */
  function nodeBehind(value) {
    const count = nodes.length
    for (let i = count - 1; i >= 0 && i >= count - 4; i--) {
      const node = nodes[i]
      if (node.proxy === value) return node
    }
    if (count <= 4) return undefined
    if (proxies === null) {
      proxies = new WeakMapOf()
      for (let i = 0; i < count; i++) register(proxies, nodes[i].proxy, nodes[i])
    }
    return nodeOf(proxies, value)
  }
  function child(node, key, value) {
    let kids = node.kids
    if (kids === null) kids = node.kids = { __proto__: null }
    else if (key in kids) return kids[key].proxy
    return (kids[key] = nodeFor(value, node, key)).proxy
  }
  function dead() {
    throw new TypeFault('state-closed: a reference to state was used after its message')
  }
  function rawOf(node) {
    return node.raw === null ? dead() : node.raw
  }
  function written(node) {
    if (!open || node.raw === null) dead()
    if (node.ov === null) {
      node.ov = { __proto__: null }
      touched[touched.length] = node
    }
    return node.ov
  }
  function holds(node, key) {
    if (node.raw === null) dead()
    const ov = node.ov
    return ov !== null && key in ov ? ov[key] !== DELETED : hasOwn(node.raw, key)
  }
  function checkDescriptor(descriptor, had) {
    if ('get' in descriptor || 'set' in descriptor) refuse('accessor')
    if ('writable' in descriptor ? !descriptor.writable : !had) refuse('not writable')
    if ('enumerable' in descriptor ? !descriptor.enumerable : !had) refuse('not enumerable')
    if ('configurable' in descriptor ? !descriptor.configurable : !had) refuse('not configurable')
  }
  function objectKeys(node) {
    const raw = rawOf(node)
    const ov = node.ov
    const old = listKeys(raw)
    if (ov === null) return old
    // An object, not a list, so that integer-like keys come first, as the language wants.
    const seen = create(null)
    for (let i = 0; i < old.length; i++) {
      const key = old[i]
      if (!(key in ov)) seen[key] = 1
      else if (ov[key] !== DELETED && (node.re === null || node.re[key] !== 1)) seen[key] = 1
    }
    for (const key in ov) if (ov[key] !== DELETED) seen[key] = 1
    return listKeys(seen)
  }
  function arrayKeys(node) {
    rawOf(node)
    const list = []
    for (let i = 0; i < node.length; i++) if (elementAt(node, i)) list[list.length] = '' + i
    return list
  }
  function listKeys(object) {
    const list = keys(object)
    if (list.length > 16) charge(list.length)
    return list
  }

  const objectTraps = {
    __proto__: null,
    get(node, key, receiver) {
      const { ov, raw } = node
      if (ov !== null && key in ov) {
        const value = ov[key]
        return value === DELETED ? reflectGet(objectProto, key, receiver) : value
      }
      if (raw === null) dead()
      const value = raw[key]
      return typeof value === 'object' && value !== null && hasOwn(raw, key)
        ? child(node, key, value)
        : value
    },
    set(node, key, value, receiver) {
      if (receiver !== node.proxy) return reflectSet(create(null), key, value, receiver)
      if (typeof key === 'symbol' || key === '__proto__') refuse('key ' + text(key))
      let ov = node.ov
      if (ov === null || !open) ov = written(node)
      if (plain) {
        if (typeof value !== 'string' || typeof node.raw[key] !== 'string') plain = LISTED
      } else if (ov[key] === DELETED && hasOwn(node.raw, key)) {
        if (node.re === null) node.re = create(null)
        node.re[key] = 1
        delete ov[key]
      }
      ov[key] = value
      return true
    },
    has(node, key) {
      return holds(node, key) || key in objectProto
    },
    deleteProperty(node, key) {
      if (!holds(node, key)) return true
      const ov = written(node)
      plain = false
      if (hasOwn(node.raw, key)) {
        ov[key] = DELETED
        if (node.re !== null) delete node.re[key]
      } else delete ov[key]
      return true
    },
    ownKeys(node) {
      const list = objectKeys(node)
      // The engine compares what a trap lists with itself, pair by pair.
      if (list.length > 16) charge((list.length * list.length) / 32)
      return list
    },
    getOwnPropertyDescriptor(node, key) {
      return holds(node, key) ? described(objectTraps.get(node, key, node.proxy)) : undefined
    },
    defineProperty(node, key, descriptor) {
      const had = holds(node, key)
      checkDescriptor(descriptor, had)
      if ('value' in descriptor) return objectTraps.set(node, key, descriptor.value, node.proxy)
      return had || objectTraps.set(node, key, undefined, node.proxy)
    },
    getPrototypeOf: () => objectProto,
    setPrototypeOf: (node, proto) => proto === objectProto || refuse('prototype'),
    preventExtensions: () => refuse('frozen or sealed object'),
  }

  function elementAt(node, index) {
    if (index >= node.length) return false
    const ov = node.ov
    return ov !== null && index in ov ? ov[index] !== DELETED : index < node.cut
  }
  function setLength(node, value) {
    const length = number(value)
    if (length !== length >>> 0) throw new RangeFault('invalid array length')
    const ov = written(node)
    plain = false
    if (length < node.length) {
      for (const key in ov) if (key >>> 0 >= length) delete ov[key]
      if (length < node.cut) node.cut = length
    }
    node.length = length
    return true
  }
  const arrayTraps = {
    __proto__: null,
    get(target, key, receiver) {
      const node = target[0]
      const raw = rawOf(node)
      if (key === 'length') return node.length
      const index = indexOf(key)
      if (index < 0 || !elementAt(node, index)) return reflectGet(arrayProto, key, receiver)
      if (node.ov !== null && key in node.ov) return node.ov[key]
      const value = raw[index]
      return typeof value === 'object' && value !== null ? child(node, key, value) : value
    },
    set(target, key, value, receiver) {
      const node = target[0]
      if (receiver !== node.proxy) return reflectSet(create(null), key, value, receiver)
      if (key === 'length') return setLength(node, value)
      const index = indexOf(key)
      if (index < 0) refuse('array key ' + text(key))
      written(node)[key] = value
      plain = false
      if (index >= node.length) node.length = index + 1
      return true
    },
    has(target, key) {
      const node = target[0]
      rawOf(node)
      const index = indexOf(key)
      return index < 0 ? key === 'length' || key in arrayProto : elementAt(node, index)
    },
    deleteProperty(target, key) {
      const node = target[0]
      if (key === 'length') return false
      const index = indexOf(key)
      if (index >= 0 && elementAt(node, index)) {
        const ov = written(node)
        plain = false
        if (index < node.cut) ov[key] = DELETED
        else delete ov[key]
      }
      return true
    },
    ownKeys(target) {
      const list = arrayKeys(target[0])
      if (list.length > 16) charge((list.length * list.length) / 32)
      list[list.length] = 'length'
      return list
    },
    getOwnPropertyDescriptor(target, key) {
      const node = target[0]
      rawOf(node)
      if (key === 'length') {
        return {
          __proto__: null,
          value: node.length,
          writable: true,
          enumerable: false,
          configurable: false,
        }
      }
      const index = indexOf(key)
      return index >= 0 && elementAt(node, index)
        ? described(arrayTraps.get(target, key, node.proxy))
        : undefined
    },
    defineProperty(target, key, descriptor) {
      const node = target[0]
      if (key === 'length') {
        if (descriptor.writable === false || 'get' in descriptor) refuse('length')
        return !('value' in descriptor) || setLength(node, descriptor.value)
      }
      const had = arrayTraps.has(target, key)
      checkDescriptor(descriptor, had)
      if ('value' in descriptor) return arrayTraps.set(target, key, descriptor.value, node.proxy)
      return had || arrayTraps.set(target, key, undefined, node.proxy)
    },
    setPrototypeOf: (target, proto) => proto === arrayProto || refuse('prototype'),
    preventExtensions: () => refuse('frozen or sealed array'),
  }

  return {
    /** The proxy of the whole state. */
    begin(root) {
      open = plain = true
      faultCode = ''
      return nodeFor(root, null, '')
    },
    /** No more writes: what is there is what is judged. */
    seal() {
      open = false
    },
    /** The nodes that were written to. */
    touched: () => touched,
    /** `touched`, if all of it is what is listed, in objects within objects. */
    plainly() {
      if (!plain) return undefined
      for (let i = 0; i < touched.length; i++) {
        for (let up = touched[i].up; up !== null; up = up.up) {
          if (up.length !== undefined) return undefined
        }
      }
      return touched
    },
    /** Every proxy of the message is dead from here on, and nothing of it is a cycle. */
    close() {
      for (let i = 0; i < nodes.length; i++) {
        const node = nodes[i]
        node.raw = node.proxy = null
        if (node.ov !== null) node.ov = null
        if (node.kids !== null) node.kids = null
      }
      nodes = []
      touched = []
      proxies = fault = null
      open = false
    },
    /** The code of a refusal by this overlay, '' for any other error. */
    codeOf: (error) => (error !== null && error === fault ? faultCode : ''),
    /** Object.hasOwn, for state proxies without a descriptor being made. */
    hasOwn(value, key) {
      if (typeof key !== 'string' || typeof value !== 'object') return hasOwn(value, key)
      const count = nodes.length
      // Mostly it is the container reached last.
      let node = count === 0 ? undefined : nodes[count - 1]
      if (node === undefined || node.proxy !== value) node = nodeBehind(value)
      if (node === undefined) return hasOwn(value, key)
      if (node.length === undefined) {
        const { ov } = node
        return ov !== null && key in ov ? ov[key] !== DELETED : hasOwn(node.raw, key)
      }
      return key === 'length' || (indexOf(key) >= 0 && elementAt(node, indexOf(key)))
    },
    nodeBehind,
    objectKeys,
    arrayKeys,
    listKeys,
    refuse,
    isObject,
    indexOf,
    described,
    DELETED,
  }
})
