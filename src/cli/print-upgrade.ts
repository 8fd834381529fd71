// What an upgrade would do to a process, for people and for programs: what `migrate` gives, and
// what it makes of the state.

import type { DryRunView } from '../client/index.ts'
import type { JsonObject } from '../protocol/changes.ts'
import { parseJson } from '../std/json-text.ts'
import { messageLines } from './print-dry-run.ts'
import { statusCell } from './print-status.ts'
import type { Cell } from './table.ts'
import { pairLines } from './table.ts'
import { paint, type Terminal } from './terminal.ts'

/** Of a state, its first level: keys by what becomes of them. */
export type KeyChanges = {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** Hashes of the module that the process runs and of the new one. */
export type Modules = { readonly from: string; readonly to: string }

/** `bytes`: of the state's JSON. After an error it is what it was. */
export type UpgradeView = Omit<DryRunView, 'changes' | 'state'> &
  Modules & {
    readonly bytes: { readonly before: number; readonly after: number }
    readonly keys: KeyChanges
  }

/** Of keys for people; a program is given all. */
const KEYS_SHOWN = 20

/** `before`: the state that the view's was tried on, JSON text. */
export function upgradeView(view: DryRunView, before: string, modules: Modules): UpgradeView {
  const { changes: _, state = before, ...rest } = view
  const bytes = { before: Buffer.byteLength(before), after: Buffer.byteLength(state) }
  return { ...rest, ...modules, bytes, keys: keyChanges(before, state) }
}

export function upgradeLines(terminal: Terminal, view: UpgradeView): string[] {
  const colors = paint(terminal.color)
  const { process, slot, stateHash, from, to, gas, bytes, keys, messages } = view
  const pairs: [string, Cell][] = [
    ['process', process],
    ['tried on', `slot ${slot}, state hash ${stateHash}`],
    ['module', `${from} → ${to}`],
    ['status', statusCell(view)],
    ['gas', gas],
    ['state', `${bytes.before} bytes → ${bytes.after} bytes`],
    ['keys', keysText(keys)],
  ]
  const sent = messages.length > 0 ? ['', ...messageLines(view, terminal)] : []
  return [...pairLines(pairs, colors), ...sent]
}

function keysText({ added, removed, changed }: KeyChanges): string {
  const all = [
    ...removed.map((key) => `- ${key}`),
    ...added.map((key) => `+ ${key}`),
    ...changed.map((key) => `~ ${key}`),
  ]
  if (all.length === 0) return 'as they were'
  const more = all.length - KEYS_SHOWN
  return `${all.slice(0, KEYS_SHOWN).join('  ')}${more > 0 ? `  … and ${more} more` : ''}`
}

function keyChanges(before: string, after: string): KeyChanges {
  const [was, is] = [parseJson(before) as JsonObject, parseJson(after) as JsonObject]
  const isSame = (key: string): boolean => JSON.stringify(was[key]) === JSON.stringify(is[key])
  return {
    added: Object.keys(is).filter((key) => !Object.hasOwn(was, key)),
    removed: Object.keys(was).filter((key) => !Object.hasOwn(is, key)),
    changed: Object.keys(is).filter((key) => Object.hasOwn(was, key) && !isSame(key)),
  }
}
