// The `smartweave` runtime: published SmartWeave contracts in the same sandbox as any other, with
// the same state, gas and limits, and beside them what SmartWeave has and HB has not.
//
// Owners: the runtime owns its image, which is made when the first such contract is opened (some
// 50 ms): nodes without one pay nothing. Invariants: as V1–V3 of port.ts. S1 the scripts of the
// sandbox itself (overlay, realm, driver) are those of the quickjs runtime, unchanged: what is
// added is put in around them, before the realm is frozen. S2 bignumber.js is the text whose hash
// is pinned here: it is part of every result, as the engine is.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { sha256 } from '../../std/bytes.ts'
import { HbError } from '../../std/errors.ts'
import type { Runtime } from '../port.ts'
import {
  createSandboxRuntime,
  quickjsScripts,
  type Dialect,
  type QuickjsOptions,
} from '../quickjs/runtime.ts'
import { wrapPublished } from './published.ts'

/** Of bignumber.js 9.3.1. */
const BIGNUMBER_HASH = '08ff132ba18de1678e18a9f68bcad39cc970c94f7d219850468b2a7510cff0ce'

/** Throws 'engine-unknown' at once, not when the first such contract comes. */
export function createSmartweaveRuntime(options: QuickjsOptions = {}): Runtime {
  const bigNumber = readBigNumber()
  let made: Runtime | undefined
  return {
    open: (module, snapshot, limits, changes) => {
      made ??= createSandboxRuntime(dialect(bigNumber), options)
      return made.open(module, snapshot, limits, changes)
    },
    close: () => made?.close(),
  }
}

function dialect(bigNumber: string): Dialect {
  const scripts = quickjsScripts('leaves')
  const driver = driverAround(scripts.driver, bigNumber)
  return { scripts: { ...scripts, driver }, wrap: wrapPublished }
}

/** The driver's functions by their places in its list: see DRIVER of quickjs/script-context.ts. */
function driverAround(driver: string, bigNumber: string): string {
  const files = ['./adapter.js', './globals.js', './kv.js', './imports.js', './bytes.js']
  const [adapter, globals, kv, imports, bytes] = files.map((file) =>
    readFileSync(new URL(file, import.meta.url), 'utf8'),
  )
  return `((burn, makeOverlay, makeRealm) => {
    'use strict'
    const makeBigNumber = () => {
      const module = { exports: {} };
      (function () {${bigNumber}}).call(undefined)
      return module.exports
    }
    let adapter
    const around = (limits) => {
      const overlay = makeOverlay(limits)
      adapter = (${adapter})(
        overlay, (${globals}), (${kv}), (${imports}), (${bytes}), makeBigNumber)
      return { ...overlay, codeOf: adapter.codeOf }
    }
    const functions = (${driver})(burn, around, makeRealm)
    const make = functions[1]
    functions[1] = (compiled) => make(adapter.adapt(compiled))
    return functions
  })`
}

function readBigNumber(): string {
  const bytes = readFileSync(createRequire(import.meta.url).resolve('bignumber.js'))
  const hash = sha256(bytes).toString('hex')
  if (hash !== BIGNUMBER_HASH) {
    throw new HbError('engine-unknown', `SHA-256 of bignumber.js is ${hash}`)
  }
  return bytes.toString()
}
