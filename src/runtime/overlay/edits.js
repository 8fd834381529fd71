// The write overlay, third part: the order of edits, how they get into the raw state, and the short
// way to both where nothing was written but texts in the place of texts (or leaves in the place of
// leaves), as most messages do. One expression, `(limits, nodes) => edits`.
//
// Owners: nothing is kept here. Invariants: as O1–O5 of settle.js.
((limits, nodes) => {
  'use strict'
  const { hasOwn } = Object
  const { defineProperty } = Reflect
  const objectProto = Object.prototype
  const { described, indexOf } = nodes
  const sort = Function.prototype.call.bind(Array.prototype.sort)
  const charge = limits.charge
  /** Units of six-fold texts that are listed without a charge. */
  const FREE = 384

  /** Appends what was written to one container; gives the most that its size can grow. */
  function listNode(list, node) {
    const { raw, ov } = node
    const start = list.length
    list[start] = 0
    for (let up = node; up.up !== null; up = up.up) list[list.length] = up.key
    const path = list.length
    list[path] = 0
    let most = 0
    let n = path + 1
    for (const key in ov) {
      const value = ov[key]
      const old = raw[key]
      if (value === old) continue
      list[n] = key
      list[n + 1] = old
      list[n + 2] = value
      n += 3
      // A character takes six units at most.
      most += 6 * ('' + value).length
    }
    list[start] = path - start - 1
    list[path] = (n - path - 1) / 3
    if (most > FREE) charge(most >> 5)
    return most
  }

  /** Integer-like keys first, ascending; then names by UTF-16 code unit. */
  function byKey(a, b) {
    if (a[0] > '9' && b[0] > '9') return a < b ? -1 : a > b ? 1 : 0
    const i = indexOf(a)
    const j = indexOf(b)
    if (i >= 0 || j >= 0) return i >= 0 && j >= 0 ? i - j : i >= 0 ? -1 : 1
    return a < b ? -1 : a > b ? 1 : 0
  }
  function sortPairs(pairs, compare) {
    if (pairs.length === 4) {
      if (compare === byKey && pairs[0][0] > '9' && pairs[2] > pairs[0]) return pairs
      return compare(pairs[0], pairs[2]) < 0 ? pairs : [pairs[2], pairs[3], pairs[0], pairs[1]]
    }
    const list = []
    for (let i = 0; i < pairs.length; i += 2) list[list.length] = [pairs[i], pairs[i + 1]]
    if (list.length > 8) charge(list.length)
    sort(list, (a, b) => compare(a[0], b[0]))
    const flat = []
    for (let i = 0; i < list.length; i++) {
      flat[i * 2] = list[i][0]
      flat[i * 2 + 1] = list[i][1]
    }
    return flat
  }
  function sortKeys(list) {
    if (list.length > 8) charge(list.length)
    return list.length > 1 ? sort(list, byKey) : list
  }
  function put(raw, key, value) {
    if (hasOwn(raw, key) || !(key in objectProto)) raw[key] = value
    else defineProperty(raw, key, described(value))
  }
  function installObject(raw, edit) {
    const edits = edit[1]
    // These keys stay in their place or are integer-like: none is only inherited.
    for (let i = 0; i < edits.length; i += 2) {
      const inner = edits[i + 1]
      if (inner[0] === '=') raw[edits[i]] = inner[1]
    }
    if (edit.length === 2) return
    const drops = edit[2]
    for (let i = 0; i < drops.length; i++) delete raw[drops[i]]
    if (edit.length === 3) return
    const appends = edit[3]
    for (let i = 0; i < appends.length; i += 2) {
      const key = appends[i]
      const value = appends[i + 1][0] === '=' ? appends[i + 1][1] : raw[key]
      delete raw[key]
      put(raw, key, value)
    }
  }
  function installArray(raw, edit) {
    if (edit[1] !== null && edit[1] < raw.length) raw.length = edit[1]
    const edits = edit[2]
    for (let i = 0; i < edits.length; i += 2) {
      if (edits[i + 1][0] === '=') raw[edits[i]] = edits[i + 1][1]
    }
  }

  return {
    byKey,
    sortPairs,
    sortKeys,
    /** See `list` of settle.js. undefined too where the state might grow by more than `room`. */
    listLeaves(room) {
      const touched = nodes.plainly()
      if (touched === undefined) return undefined
      const list = []
      let most = 0
      for (let i = 0; i < touched.length; i++) most += listNode(list, touched[i])
      return most > room ? undefined : list
    },
    installLeaves(list) {
      const touched = nodes.touched()
      let at = 0
      for (let i = 0; i < touched.length; i++) {
        const { raw } = touched[i]
        at += list[at] + 1
        const end = at + 1 + 3 * list[at]
        for (at++; at < end; at += 3) raw[list[at]] = list[at + 2]
      }
    },
    /** [container, edit, …]. */
    installEdits(stores) {
      for (let i = 0; i < stores.length; i += 2) {
        if (stores[i + 1][0] === 'o') installObject(stores[i], stores[i + 1])
        else installArray(stores[i], stores[i + 1])
      }
    },
  }
})
