// A node as its users run it: `hb start --bootstrap-server …` in an OS process of its own, to be
// stopped and killed. Owners: whoever starts one ends it; the watchdog ends what is left when this
// program is gone.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Watchdog } from '../../test/support/watchdog.ts'
import { within } from './deadline.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const ERRORS_KEPT = 4_000

export type NodeProcessOptions = {
  readonly bootstrapServers: string
  readonly applicationId: string
  readonly genesisFile: string
  readonly directory: string
  readonly standbys: number
  readonly watchdog: Watchdog
}

export type NodeProcess = {
  /** Where it is reached, as the groups know it too. */
  readonly address: string
  readonly pid: number
  /** Resolves when the OS process is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** Resolves when it is ready to serve: its roles have joined, what it owns is open. */
export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const { bootstrapServers, applicationId, genesisFile, directory, standbys, watchdog } = options
  const given = [
    ...['--bootstrap-server', bootstrapServers, '--application-id', applicationId],
    ...['--genesis', genesisFile, '--data', directory, '--port', '0', '--json'],
    ...['--roles', 'sequencer,dre,relayer', '--standby', String(standbys)],
  ]
  const child = spawn(process.execPath, [MAIN, 'start', ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid === undefined) throw new Error('hb start did not start')
  watchdog.add(pid)
  const gone = once(child, 'exit').then(() => watchdog.remove(pid))
  const errors = keepErrors(child)
  const lines = createInterface({ input: child.stdout })
  const first = Promise.race([
    once(lines, 'line').then(([line]) => JSON.parse(line as string) as { address: string }),
    gone.then(() => Promise.reject(new Error(`hb start ended: ${errors()}`))),
  ])
  const { address } = await within('hb start', first)
  return {
    address,
    pid,
    end: async (signal) => {
      child.kill(signal)
      await within(`${signal} to a node`, gone)
      if (signal === 'SIGTERM' && child.exitCode !== 0) {
        throw new Error(`a node ended with ${child.exitCode}: ${errors()}`)
      }
    },
  }
}

function keepErrors(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-ERRORS_KEPT)
  })
  return () => text
}
