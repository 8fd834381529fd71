// What goes between the evaluator and its workers. One message each way per batch.
//
// A command list crosses as a structured clone; a module's source goes along only the first time a
// worker sees its hash (`sources`), and commands name it by the hash. `forget` drops sources
// that the owner's table let go.

import type { EvaluationLimits, ModuleSource } from '../port.ts'
import type { EvaluatorCommand } from './port.ts'
import type { TableReply } from './table.ts'

export type WireModule = { readonly engine: ModuleSource['engine']; readonly hash: string }

type WithModule = 'open' | 'upgrade'
type Wired<K extends WithModule> = Omit<EvaluatorCommand & { kind: K }, 'module'> & {
  readonly module: WireModule
}

export type WireCommand =
  | Exclude<EvaluatorCommand, { kind: WithModule }>
  | Wired<'open'>
  | Wired<'upgrade'>

export type WireBatch = {
  readonly commands: readonly WireCommand[]
  readonly sources?: readonly ModuleSource[]
  readonly forget?: readonly string[]
}

export type WireReplies = readonly TableReply[]

/**
 * `progress`: one Int32, the number of commands this worker has begun since it started (it wraps).
 */
export type WorkerStart = {
  readonly hostUrl: string
  readonly hostData: unknown
  readonly limits: EvaluationLimits
  readonly engine: WebAssembly.Module
  readonly progress: Int32Array
}
