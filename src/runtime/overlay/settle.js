// The write overlay, second half: what a message left → changes, size and stores. One expression,
// `(limits, nodes, edits) => overlay`, run by V8 (native contracts) and inside QuickJS
// (sandboxed ones), so both give the same.
//
// Owners: this half owns `root` (raw JSON values) and the walk over it; the caller owns the phases:
// load → (begin → settle → install | undo)*. Everything a message made dies in `install` or `undo`.
//
// Invariants: O1 settle() changes nothing; it yields exactly diff(before, after) of
// protocol/changes.ts, a size, and a list of stores. O2 install() runs no code of the contract and
// cannot fail for the contract's sake. O3 after install or undo every proxy of the message is dead:
// reading or writing it throws. O4 an object's identity is its place for one message; what was
// aliased becomes copies. O5 the cost follows what was touched, not what the state weighs, but
// where a key of an object was deleted and added again (its keys are listed once).
((limits, nodes, edits) => {
  'use strict'
  const { ownKeys, defineProperty, getPrototypeOf } = Reflect
  const { hasOwn, create } = Object
  const { isArray } = Array
  const { stringify, parse } = JSON
  const objectProto = Object.prototype
  const arrayProto = Array.prototype
  const text = String
  const join = Function.prototype.call.bind(arrayProto.join)
  const { nodeBehind, objectKeys, arrayKeys, listKeys } = nodes
  const { isObject, indexOf, described, DELETED } = nodes
  const { sortPairs, sortKeys, byKey } = edits
  const charge = limits.charge

  let root = null
  let rootSize = 0
  let top = null
  let stores = null
  /** Where settling is: a node that stays in its place, and the keys below it. */
  let base = null
  let path = null
  let trail = null
  let grown = 0
  let copied = 0
  /**
   * Texts that took the place of texts, [old, new, …]: their sizes are found only where a limit is
   * near, or by who asks for the size. `unsized`: the most that the new ones can have.
   */
  let texts = null
  let unsized = 0
  /** What list() gave, where that is what is installed. */
  let listed

  function refuse(why, key, code) {
    let at = key === undefined ? '' : '/' + text(key)
    if (path.length > 0) at = '/' + join(path, '/') + at
    for (let node = base; node.up !== null; node = node.up) at = '/' + text(node.key) + at
    nodes.refuse(why + ' at ' + (at === '' ? '/' : at), code)
  }

  const CONTAINER_SIZE = 34

  /** Units of a leaf's JSON text. */
  function leafSize(value) {
    if (typeof value === 'string') {
      if (value.length > 64) charge(value.length >> 3)
      return stringify(value).length
    }
    return typeof value === 'number' ? ('' + value).length : value === false ? 5 : 4
  }
  /** See stateSize() in protocol/changes.ts. */
  function sizeOf(value) {
    if (!isObject(value)) return leafSize(value)
    let size = CONTAINER_SIZE
    if (isArray(value)) {
      for (let i = 0; i < value.length; i++) size += 1 + sizeOf(value[i])
      return size
    }
    const list = listKeys(value)
    for (let i = 0; i < list.length; i++) size += leafSize(list[i]) + 2 + sizeOf(value[list[i]])
    return size
  }
  function leaf(value, key) {
    const type = typeof value
    if (type === 'number') {
      if (value - value !== 0) refuse(text(value), key)
      return value === 0 ? 0 : value
    }
    if (type !== 'string' && type !== 'boolean' && value !== null) refuse(type, key)
    return value
  }
  function enter(value) {
    if (trail.length >= limits.depth) refuse('nested too deep')
    for (let i = 0; i < trail.length; i++) if (trail[i] === value) refuse('cycle')
    trail[trail.length] = value
  }
  /** Enters a container the contract made: its keys, refusing what JSON cannot say. */
  function members(value) {
    enter(value)
    const node = nodeBehind(value)
    if (node !== undefined) {
      if (isArray(value)) {
        const list = arrayKeys(node)
        if (list.length !== node.length) refuse('hole')
        return list
      }
      return objectKeys(node)
    }
    const array = isArray(value)
    const proto = getPrototypeOf(value)
    if (array) {
      if (value.length > limits.size) refuse('array too long', undefined, 'state-too-large')
      if (proto !== arrayProto) refuse('class instance')
    } else if (proto !== objectProto && proto !== null) refuse('class instance')
    const list = listKeys(value)
    if (array && list.length !== value.length) refuse('hole')
    if (ownKeys(value).length !== list.length + (array ? 1 : 0)) refuse('hidden or symbol key')
    if (hasOwn(value, '__proto__')) refuse('key __proto__')
    return list
  }
  function leave() {
    trail.length--
  }
  function grow(size) {
    grown += size
    copied += size
    if (copied + unsized <= limits.size) return
    sizeTexts()
    if (copied > limits.size) refuse('larger than ' + limits.size, undefined, 'state-too-large')
  }
  function sizeTexts() {
    if (texts === null) return
    for (let i = 0; i < texts.length; i += 2) {
      const size = leafSize(texts[i + 1])
      copied += size
      grown += size - leafSize(texts[i])
    }
    texts = null
    unsized = 0
  }
  /** One text in the place of another: a character takes six units at most. */
  function retext(old, value) {
    if (texts === null) texts = [old, value]
    else {
      const n = texts.length
      texts[n] = old
      texts[n + 1] = value
    }
    unsized += 6 * value.length + 2
    return ['=', value]
  }
  /** A deep copy of what the contract left, counted in `grown`. */
  function copy(value) {
    if (!isObject(value)) {
      const plain = leaf(value)
      grow(leafSize(plain))
      return plain
    }
    const list = members(value)
    const array = isArray(value)
    const result = array ? [] : {}
    const depth = path.length
    grow(CONTAINER_SIZE)
    for (let i = 0; i < list.length; i++) {
      const key = list[i]
      const inner = value[key]
      if (inner === undefined && !array) continue
      path[depth] = key
      grow(array ? 1 : leafSize(key) + 2)
      const made = copy(inner)
      if (array) result[i] = made
      else if (key in objectProto) defineProperty(result, key, described(made))
      else result[key] = made
    }
    path.length = depth
    leave()
    return result
  }
  /** The edit is installed in its container: nested edits are stored on their own. */
  function store(raw, edit) {
    const n = stores.length
    stores[n] = raw
    stores[n + 1] = edit
    return edit
  }
  /**
   * raw[key] becomes `value`: gives the edit, undefined where nothing changes. `node`: the node of
   * that place, if it has one.
   */
  function settleAt(raw, key, had, value, node) {
    if (!isObject(value)) {
      const old = had ? raw[key] : undefined
      const plain = leaf(value, key)
      return had && plain === old ? undefined : replace(raw, key, had, old, plain)
    }
    const depth = path.length
    path[depth] = key
    const edit = settle(raw, key, had, value, node)
    path.length = depth
    return edit
  }
  function settle(raw, key, had, value, node) {
    const old = had ? raw[key] : undefined
    if (node !== undefined && node.proxy === value) return keep(node)
    if (had && isObject(old) && isArray(old) === isArray(value)) return merge(old, value, node)
    return replace(raw, key, had, old, value)
  }
  function replace(raw, key, had, old, value) {
    if (had) grown -= sizeOf(old)
    else grow(isArray(raw) ? 1 : leafSize(key) + 2)
    let made = value
    if (isObject(value)) made = copy(value)
    else grow(leafSize(value))
    return ['=', made]
  }
  function drop(raw, key, drops) {
    grown -= leafSize(key) + 2 + sizeOf(raw[key])
    drops[drops.length] = key
  }
  function objectEdit(raw, edits, drops, appends) {
    if (edits.length === 0 && drops === null && appends === null) return undefined
    const sorted = edits.length < 3 ? edits : sortPairs(edits, byKey)
    if (appends !== null) {
      return store(raw, ['o', sorted, drops === null ? [] : sortKeys(drops), appends])
    }
    return store(raw, drops !== null ? ['o', sorted, sortKeys(drops)] : ['o', sorted])
  }
  function arrayEdit(raw, length, edits) {
    const old = raw.length
    for (let i = length; i < old; i++) grown -= 1 + sizeOf(raw[i])
    if (length === old && edits.length === 0) return undefined
    const sorted = edits.length < 3 ? edits : sortPairs(edits, (a, b) => a - b)
    return store(raw, ['a', length === old ? null : length, sorted])
  }
  /** How many of `tail` (in order) still stand in the old order behind every key that `stays`. */
  function inOrder(raw, tail, stays) {
    if (tail.length === 0 || !hasOwn(raw, tail[0])) return 0
    const old = listKeys(raw)
    const behind = create(null)
    for (let i = old.length - 1; i >= 0; i--) {
      if (indexOf(old[i]) >= 0 || stays(old[i])) break
      behind[old[i]] = i
    }
    let last = -1
    let count = 0
    while (count < tail.length && behind[tail[count]] > last) last = behind[tail[count++]]
    return count
  }
  /** Settles keys that left their places: their values, and the order they end in. */
  function settleTail(raw, tail, first, valueOf, kids, drops, appends) {
    for (let i = first; i < tail.length; i++) {
      const key = tail[i]
      const had = hasOwn(raw, key)
      const at = kids === null || kids === undefined ? undefined : kids[key]
      const edit = settleAt(raw, key, had, valueOf(key), at)
      if (had && edit !== undefined && edit[0] === '=') drops[drops.length] = key
      appends[appends.length] = key
      appends[appends.length] = edit === undefined ? [] : edit
    }
  }
  /** Another container in the place of `raw`: member by member. */
  function merge(raw, value, node) {
    const list = members(value)
    const kids = node === undefined ? null : node.kids
    const edit = isArray(raw)
      ? mergeArray(raw, value, list.length, kids)
      : mergeObject(raw, value, list, kids)
    leave()
    return edit
  }
  function mergeArray(raw, value, length, kids) {
    const edits = []
    for (let i = 0; i < length; i++) {
      const at = kids === null ? undefined : kids[i]
      const edit = settleAt(raw, i, i < raw.length, value[i], at)
      if (edit !== undefined) edits.push(i, edit)
    }
    return arrayEdit(raw, length, edits)
  }
  function mergeObject(raw, value, list, kids) {
    const now = create(null)
    const names = []
    const edits = []
    const drops = []
    const appends = []
    for (let i = 0; i < list.length; i++) {
      const inner = value[list[i]]
      if (inner === undefined) continue
      now[list[i]] = inner
      names[names.length] = list[i]
    }
    const old = listKeys(raw)
    const place = create(null)
    for (let i = 0; i < old.length; i++) {
      place[old[i]] = i
      if (!(old[i] in now)) drop(raw, old[i], drops)
    }
    let last = -1
    let i = 0
    for (; i < names.length; i++) {
      const key = names[i]
      const integer = indexOf(key) >= 0
      if (!integer) {
        if (!(place[key] > last)) break
        last = place[key]
      }
      const at = kids === null ? undefined : kids[key]
      const edit = settleAt(raw, key, hasOwn(raw, key), now[key], at)
      if (edit !== undefined) edits.push(key, edit)
    }
    settleTail(raw, names, i, (key) => now[key], kids, drops, appends)
    return objectEdit(raw, edits, orNull(drops), orNull(appends))
  }
  function orNull(list) {
    return list.length === 0 ? null : list
  }
  /** A node in its own place: only what was written, and its written children. */
  function keep(node) {
    if (!node.hot) return undefined
    if (trail.length >= limits.depth) refuse('nested too deep')
    const above = base
    const below = path
    trail[trail.length] = node.proxy
    base = node
    path = []
    const edit = isArray(node.raw) ? keepArray(node) : keepObject(node)
    base = above
    path = below
    trail.length--
    return edit
  }
  function keepKids(node, edits) {
    const { kids, ov } = node
    const array = isArray(node.raw)
    for (const key in kids) {
      const kid = kids[key]
      if (!kid.hot || (ov !== null && key in ov) || (array && key >>> 0 >= node.cut)) continue
      const edit = keep(kid)
      if (edit !== undefined) {
        edits[edits.length] = array ? key >>> 0 : key
        edits[edits.length] = edit
      }
    }
  }
  function keepArray(node) {
    const { raw, ov, kids } = node
    const edits = []
    if (kids !== null) keepKids(node, edits)
    if (ov === null) return arrayEdit(raw, raw.length, edits)
    for (let i = node.cut; i < node.length; i++) if (!(i in ov)) refuse('hole', i)
    for (const key in ov) {
      const index = key >>> 0
      if (ov[key] === DELETED) refuse('hole', key)
      const at = kids === null ? undefined : kids[key]
      const edit = settleAt(raw, index, index < raw.length, ov[key], at)
      if (edit !== undefined) edits.push(index, edit)
    }
    return arrayEdit(raw, node.length, edits)
  }
  function keepObject(node) {
    const { raw, ov, kids, re } = node
    const edits = []
    if (kids !== null) keepKids(node, edits)
    if (ov === null) return objectEdit(raw, edits, null, null)
    let drops = null
    let tail = null
    for (const key in ov) {
      const value = ov[key]
      if (typeof value === 'string' && re === null) {
        const old = raw[key]
        // What is inherited is never a text.
        if (typeof old === 'string') {
          if (old === value) continue
          const units = old.length + value.length
          if (units > 64) charge(units >> 3)
          const n = edits.length
          edits[n] = key
          edits[n + 1] = retext(old, value)
          continue
        }
      }
      const had = hasOwn(raw, key)
      if (value === DELETED || value === undefined) {
        if (had) drop(raw, key, drops === null ? (drops = []) : drops)
      } else if ((had && (re === null || re[key] !== 1)) || indexOf(key) >= 0) {
        const at = kids === null ? undefined : kids[key]
        const edit = settleAt(raw, key, had, value, at)
        if (edit !== undefined) {
          edits[edits.length] = key
          edits[edits.length] = edit
        }
      } else if (tail === null) tail = [key]
      else tail[tail.length] = key
    }
    return tail === null
      ? objectEdit(raw, edits, drops, null)
      : keepTail(node, edits, drops === null ? [] : drops, tail)
  }
  /**
   * The keys of a node that are new, or were deleted and added again, in the order they were added.
   */
  function keepTail(node, edits, drops, tail) {
    const { raw, ov, kids, re } = node
    const appends = []
    const stays = (key) =>
      !(key in ov) ||
      (ov[key] !== DELETED && ov[key] !== undefined && (re === null || re[key] !== 1))
    const first = inOrder(raw, tail, stays)
    for (let i = 0; i < first; i++) {
      const at = kids === null ? undefined : kids[tail[i]]
      const edit = settleAt(raw, tail[i], true, ov[tail[i]], at)
      if (edit !== undefined) edits.push(tail[i], edit)
    }
    settleTail(raw, tail, first, (key) => ov[key], kids, drops, appends)
    return objectEdit(raw, edits, orNull(drops), orNull(appends))
  }

  function close() {
    nodes.close()
    top = stores = path = trail = base = texts = null
    listed = undefined
    grown = 0
  }

  return {
    /** The text is the state's snapshot, `size` what stateSize() gives for it. */
    load(snapshot, size) {
      root = parse(snapshot)
      rootSize = size
    },
    begin() {
      top = nodes.begin(root)
      return top.proxy
    },
    /**
     * The changes without their order and sizes, where nothing was written but texts in the place
     * of texts (or leaves, see LISTED of overlay.ts): one flat list, for each container [length of
     * its path, keys of its path (innermost first), number of its changes, [key, old, new]…]. Else
     * undefined: settle() says it all.
     */
    list(next) {
      nodes.seal()
      if (next !== undefined && next !== top.proxy) return undefined
      return (listed = edits.listLeaves(limits.size - rootSize))
    },
    /** → edit or undefined (nothing changed). Throws without having changed anything. */
    settle(next) {
      listed = undefined
      nodes.seal()
      stores = []
      path = []
      trail = []
      base = top
      grown = copied = unsized = 0
      texts = null
      const value = next === undefined ? top.proxy : next
      if (!isObject(value) || isArray(value)) refuse('the state is not an object')
      const touched = nodes.touched()
      for (let i = 0; i < touched.length; i++) {
        for (let n = touched[i]; n !== null && !n.hot; n = n.up) n.hot = true
      }
      const edit = value === top.proxy ? keep(top) : merge(root, value, top)
      if (rootSize + grown + unsized > limits.size) sizeTexts()
      if (rootSize + grown > limits.size) {
        refuse('larger than ' + limits.size, undefined, 'state-too-large')
      }
      return edit
    },
    /** Of the state as it will be, but for `unsized()`: [text that goes, text that comes, …]. */
    sized: () => rootSize + grown,
    unsized: () => texts,
    /** Of the state as it will be. */
    size() {
      sizeTexts()
      return rootSize + grown
    },
    codeOf: nodes.codeOf,
    /** `size`: of the state as it will be, where the caller knows it. */
    install(size) {
      if (listed !== undefined) edits.installLeaves(listed)
      else edits.installEdits(stores)
      if (size === undefined) sizeTexts()
      rootSize = size === undefined ? rootSize + grown : size
      close()
    },
    undo: close,
    snapshot: () => stringify(root),
    /**
     * Own enumerable string keys of a state proxy, without the engine's quadratic check; undefined
     * for other values.
     */
    hasOwn: nodes.hasOwn,
    keysOf(value) {
      const node = nodeBehind(value)
      if (node === undefined) return undefined
      return isArray(value) ? arrayKeys(node) : objectKeys(node)
    },
  }
})
