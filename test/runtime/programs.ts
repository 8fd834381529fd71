// Random programs over a state: the same text runs on a plain deep copy (the model), on the overlay in V8, and on the
// overlay inside the sandbox; what it observes is logged, so that observations can be compared too.
import { seededRandom } from '../../src/std/random.ts'

export type Op = { o: number; r: number; s: number; t: number; k: string; n: number; m: number; v: number }

/** `exec(state, ops, bad)` → {log, ret} or {log, err: 1}: plain script text. */
export const PROGRAM = `
class K { constructor() { this.q = 1 } }
const isObj = (v) => typeof v === 'object' && v !== null
function lit(v, bad) {
  switch (v) {
    case 0: return null
    case 1: return true
    case 2: return 'str'
    case 3: return -0
    case 4: return 1.5
    case 5: return {}
    case 6: return []
    case 7: return { a: 1, b: { c: [1, 2, { x: 3 }] } }
    case 8: return [3, 1, 2]
    case 9: return [{ a: 1 }, { a: 2 }, { b: 1 }]
    case 10: return undefined
    case 11: return ''
    case 12: return bad ? NaN : 3
    case 13: return bad ? () => 1 : 4
    case 14: return bad ? new K() : 5
    case 15: return bad ? [, 1] : 6
    case 16: return bad ? new Date(0) : 7
    case 17: return bad ? 10n : 8
    case 18: return bad ? Symbol('x') : 9
    case 19: return bad ? new Map() : 10
    case 20: return Object.freeze({ z: 1, w: { q: 2 } })
    case 21: return Object.create(null)
    case 22: return { b: 1, a: 2, 5: 1 }
    case 23: return 'm\\u00e9\\ud83d\\ude00"\\\\'
    default: return v
  }
}
function show(v) {
  if (!isObj(v)) {
    return typeof v === 'function' ? 'fn' : typeof v === 'bigint' ? 'big' : typeof v === 'symbol' ? 'sym'
      : Object.is(v, -0) ? '-0' : v === undefined ? 'undef' : String(v)
  }
  return Array.isArray(v) ? 'A' + v.length : 'O' + Object.keys(v).join()
}
function step(p, a, b, r, state, log, bad) {
  const ks = Object.keys(a), arr = Array.isArray(a)
  const kk = ks.length && p.n < 5 ? ks[(p.v * 7 + p.m) % ks.length] : arr ? String(p.m) : p.k
  switch (p.o) {
    case 0: case 1: case 2: case 3: case 31: r[p.s] = a[kk]; log.push(show(r[p.s])); break
    case 4: case 5: case 32: if (!arr) a[p.k] = lit(p.v, bad); else a[p.m] = lit(p.v, bad); break
    case 6: case 33: a[kk] = lit(p.v, bad); break
    case 7: if (!arr) a[p.k] = b; else a.push(b); break
    case 8: a[kk] = r[p.t]; break
    case 9: r[p.s] = lit(p.v, bad); break
    case 10: r[p.t] = { q: a, w: [b, 1] }; break
    case 11: log.push(delete a[kk]); break
    case 12: if (arr) log.push(a.push(lit(p.v, bad), p.n)); break
    case 13: if (arr) log.push(show(a.pop())); break
    case 14: if (arr) log.push(show(a.shift())); break
    case 15: if (arr) log.push(a.unshift(lit(p.v, bad))); break
    case 16: if (arr) log.push(show(a.splice(p.n, p.m, ...(p.v & 1 ? [b] : []), p.v))); break
    case 17: if (arr) a.sort((x, y) => (show(x) < show(y) ? -1 : show(x) > show(y) ? 1 : 0)); break
    case 18: if (arr) a.reverse(); break
    case 19: if (arr) a.length = p.m; break
    case 20: if (arr) a.copyWithin(p.m, p.n); else Object.assign(a, { [p.k]: lit(p.v, bad), n: p.n }); break
    case 21: Object.defineProperty(a, arr ? p.m : p.k,
      { value: lit(p.v, bad), writable: true, enumerable: true, configurable: true }); break
    case 22: log.push(p.k in a, Object.hasOwn(a, p.k), show(Object.getOwnPropertyDescriptor(a, kk)?.value)); break
    case 23: log.push(show(a), Reflect.ownKeys(a).join(), Object.getOwnPropertyNames(a).join()); break
    case 24: if (p.n === 0) { log.push('throw'); throw { stop: 1 } } break
    case 25: r[p.t] = Array.isArray(a) ? [...a] : { ...a }; break
    case 26: r[p.t] = Array.isArray(a) ? a.map((x) => x) : Object.fromEntries(Object.entries(a)); break
    case 27: if (arr) a.fill(p.v, p.m, p.n); break
    case 28: for (const k of Object.keys(a)) { const v = a[k]; delete a[k]; if (p.v & 1) a[k] = v } break
    case 29: log.push(a === b, state === a, isObj(b) && a[kk] === b); break
    case 30:
      if (!arr) { const { [kk]: gone, ...rest } = a; r[p.s] = rest; log.push(show(rest)) }
      else log.push(show(a.indexOf(b)), show(a.at(-1)), a.concat([1]).length)
      break
    case 34: if (!arr && ks.length) { const k = ks[ks.length - 1], v = a[k]; delete a[k]; a[k] = p.v & 1 ? v : p.v } break
    case 35: if (!arr && ks.length) { const k = ks[0], v = a[k]; delete a[k]; a[k] = v } break
    case 36: { const seen = []; for (const k in a) seen.push(k); log.push(seen.join()); break }
    case 37: log.push(Object.values(a).map(show).join(), JSON.stringify(Object.keys(a))); break
  }
}
function exec(state, ops, bad) {
  const r = [state, null, null, null, null, null], log = []
  for (const p of ops) {
    let a = r[p.r]
    try {
      if (!isObj(a)) { r[p.r] = a = p.n < 4 ? state : lit(p.v, bad); if (!isObj(a)) continue }
      step(p, a, r[p.s], r, state, log, bad)
    } catch (e) {
      if (e && e.stop) return { log, err: 1 }
      log.push('E:' + ((e && e.constructor === TypeError) || (e && e.constructor === RangeError) ? 'T' : e && e.name))
    }
  }
  const last = ops[ops.length - 1]
  let ret = state
  if (last.n === 0) ret = { ...state }
  else if (last.n === 1 && isObj(r[last.s]) && !Array.isArray(r[last.s])) ret = r[last.s]
  else if (last.n === 2) ret = { x: 1, ...state, deep: { s: state.a } }
  return { log, ret }
}
`

export const START =
  '{"a":{"b":{"c":[1,2,3],"x":{"y":1}},"c":[{"a":1},{"b":{"c":2}},[1,[2]]]},' +
  '"b":[5,4,3,{"x":1}],"c":{"7":2,"10":1,"z":{"a":[]}},"x":1,"raw":{"ov":1}}'

const KEYS = ['a', 'b', 'c', 'x', 'y', '0', '7', '10', 'raw', 'ov', 'p', 'toString', 'constructor', 'length2']

/** A program of 3–24 operations. */
export function randomOps(seed: number): Op[] {
  const random = seededRandom(seed)
  const below = (bound: number): number => random.below(bound)
  return Array.from({ length: 3 + below(22) }, () => ({
    o: below(38),
    r: below(6),
    s: below(6),
    t: below(6),
    k: KEYS[below(KEYS.length)] as string,
    n: below(6),
    m: below(4),
    v: below(40),
  }))
}

export const REFUSED = Symbol('refused')

/** The model's rule for what a state may be: a plain copy, or REFUSED thrown. */
export function strictCopy(value: unknown, trail: unknown[] = []): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw REFUSED
    return value === 0 ? 0 : value
  }
  if (typeof value !== 'object' || trail.includes(value) || trail.length >= 64) throw REFUSED
  trail.push(value)
  const proto = Object.getPrototypeOf(value) as unknown
  let copy: unknown
  if (Array.isArray(value)) {
    if (proto !== Array.prototype || Object.keys(value).length !== value.length) throw REFUSED
    copy = Array.from(value, (item) => strictCopy(item, trail))
  } else {
    if (proto !== Object.prototype && proto !== null) throw REFUSED
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    copy = Object.fromEntries(entries.map(([key, item]) => [key, strictCopy(item, trail)]))
  }
  trail.pop()
  return copy
}
