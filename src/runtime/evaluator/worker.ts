// A worker thread's side of the evaluator: takes a batch, runs it, answers it. Started by
// workers.ts, with a WorkerStart as its data. Nothing is answered before the whole batch has run;
// `progress` shows the owner how far it is.

import { parentPort, workerData } from 'node:worker_threads'
import type { ModuleSource } from '../port.ts'
import type { CreateHost, EvaluatorCommand } from './port.ts'
import { runtimesByLevel } from './runtimes.ts'
import { createProcessTable } from './table.ts'
import type { WireBatch, WireCommand, WorkerStart } from './wire.ts'

const port = parentPort
if (port === null) throw new Error('this file runs as a worker thread only')
const start = workerData as WorkerStart
const { createHost } = (await import(start.hostUrl)) as { createHost: CreateHost }
const host = createHost(start.hostData)
const runtimes = runtimesByLevel(host.levels, { module: start.engine })
const table = createProcessTable(runtimes, host, start.limits)
const sources = new Map<string, ModuleSource>()

port.on('message', (batch: WireBatch) => {
  for (const hash of batch.forget ?? []) sources.delete(hash)
  for (const module of batch.sources ?? []) sources.set(module.hash, module)
  const replies = batch.commands.map((command) => {
    Atomics.add(start.progress, 0, 1)
    return table.run(withSource(command))
  })
  port.postMessage(replies)
})
port.postMessage('ready')

function withSource(command: WireCommand): EvaluatorCommand {
  if (command.kind !== 'open' && command.kind !== 'upgrade') return command
  const module = sources.get(command.module.hash)
  if (module === undefined) throw new Error(`module ${command.module.hash} was never sent`)
  // Two engines may have the same source.
  return { ...command, module: { ...module, engine: command.module.engine } }
}
