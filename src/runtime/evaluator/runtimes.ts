// The runtimes of each feature level.
//
// Invariant: levels of one sandbox share its runtime, and so its image, which is made at once: no
// message waits for it. That of SmartWeave contracts is made with the first of them.

import { HbError } from '../../std/errors.ts'
import { createNativeRuntime } from '../native/runtime.ts'
import type { ModuleSource, Runtime } from '../port.ts'
import { loadEngine, type Engine } from '../quickjs/engine.ts'
import { createQuickjsRuntime } from '../quickjs/runtime.ts'
import { createSmartweaveRuntime } from '../smartweave/runtime.ts'
import { SANDBOX } from '../sandbox-version.ts'
import type { EvaluatorLevel } from './port.ts'

export type Runtimes = Readonly<Record<ModuleSource['engine'], Runtime>>

/** Throws `feature-level-unknown`. */
export type RuntimesByLevel = (level: number) => Runtimes

/** `engine` saves compiling where threads share it. */
export function runtimesByLevel(
  levels: readonly EvaluatorLevel[],
  engine?: Engine,
): RuntimesByLevel {
  const made = new Map<number, Runtimes>()
  const shared = { engine: engine ?? loadEngine() }
  const quickjs = createQuickjsRuntime(shared)
  const smartweave = createSmartweaveRuntime(shared)
  return (level) => {
    const known = made.get(level)
    if (known !== undefined) return known
    const row = levels.find((each) => each.level === level)
    if (row === undefined || !isBuiltIn(row)) throw new HbError('feature-level-unknown', `${level}`)
    const runtimes = { native: createNativeRuntime(row.natives), quickjs, smartweave }
    made.set(level, runtimes)
    return runtimes
  }
}

function isBuiltIn({ sandbox }: EvaluatorLevel): boolean {
  return sandbox.engine === SANDBOX.engine && sandbox.version === SANDBOX.version
}
