// A Warp contract's definition, as Warp's gateway gives it (`/gateway/contract`): its id, owner,
// source and first state; and what one may add to the file: `sources`, those it evolved to, by
// their ids, and `state`, the state that another evaluated.

import { HbError } from '../../std/errors.ts'
import type { Fields } from './fields.ts'
import { fieldsOf, isFields, malformed, parsedFile, textOf } from './fields.ts'

export type WarpContract = {
  readonly id: string
  readonly owner: string
  readonly sourceId: string
  /** By their ids; the first one among them. */
  readonly sources: ReadonlyMap<string, string>
  readonly initState: Fields
  /** The evaluated state, where the file gives one. */
  readonly state: Fields | undefined
}

const WHERE = 'definition'

/** Throws `warp-file-malformed`, `warp-history-unsupported`. */
export function readContract(text: string): WarpContract {
  const fields = fieldsOf(parsedFile(text, WHERE), WHERE)
  checkKind(fields)
  const sourceId = textOf(fields, 'srcTxId', WHERE)
  const first = textOf(fields, 'src', WHERE)
  const sources = new Map([[sourceId, first]])
  if (fields['sources'] !== undefined) {
    const more = fieldsOf(fields['sources'], `${WHERE}.sources`)
    for (const id of Object.keys(more)) sources.set(id, textOf(more, id, `${WHERE}.sources`))
    if (sources.get(sourceId) !== first) {
      throw malformed(`${WHERE}.sources`, 'another text than src')
    }
  }
  return {
    id: textOf(fields, 'txId', WHERE),
    owner: textOf(fields, 'owner', WHERE),
    sourceId,
    sources,
    initState: stateIn(fields, 'initState'),
    state: fields['state'] === undefined ? undefined : stateIn(fields, 'state'),
  }
}

/** What another evaluated: the state and, where a DRE gives it, which interactions were valid. */
export type WarpEvaluated = {
  readonly state: Fields
  /** By the interactions' ids. */
  readonly validity: Readonly<Record<string, boolean>> | undefined
}

/** A DRE's answer (`/contract`: state, sortKey, validity), or a file of nothing but a state. */
export function readEvaluated(text: string): WarpEvaluated {
  const fields = fieldsOf(parsedFile(text, 'expected'), 'expected')
  const { state, sortKey, validity } = fields
  if (!isFields(state) || typeof sortKey !== 'string') return { state: fields, validity: undefined }
  if (validity === undefined) return { state, validity: undefined }
  return { state, validity: fieldsOf(validity, 'expected.validity') as Record<string, boolean> }
}

function stateIn(fields: Fields, name: string): Fields {
  const value = fields[name]
  const where = `${WHERE}.${name}`
  return fieldsOf(typeof value === 'string' ? parsedFile(value, where) : value, where)
}

function checkKind(fields: Fields): void {
  const { contractType, srcBinary, manifest } = fields
  if (contractType === 'wasm' || (srcBinary !== undefined && srcBinary !== null)) {
    throw new HbError('warp-history-unsupported', 'its source is WebAssembly, not JavaScript')
  }
  if (fields['src'] === null) throw malformed(`${WHERE}.src`, 'missing')
  const options = isFields(manifest) ? manifest['evaluationOptions'] : undefined
  if (!isFields(options)) return
  for (const name of ['useConstructor', 'internalWrites', 'unsafeClient']) {
    const value = options[name]
    if (value === true || value === 'allow') {
      throw new HbError('warp-history-unsupported', `the manifest asks for ${name}`)
    }
  }
}
