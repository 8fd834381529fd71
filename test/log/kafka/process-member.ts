// Starts members in OS processes of their own (member-process.ts), and hears what they tell.

import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { KafkaLogLimits } from '../../../src/log/kafka/index.ts'
import { until } from '../recording-member.ts'

export type ProcessMemberOptions = {
  readonly bootstrapServers: string
  readonly limits: Partial<KafkaLogLimits>
  readonly group: string
  readonly topic: string
  readonly address?: string
  readonly standbys?: number
  /** Batches settle only when it is told to. */
  readonly holdsRecords?: boolean
  /** It holds whatever it is a standby of. */
  readonly isWarmAtOnce?: boolean
}

export type Told =
  | { readonly told: 'joined'; readonly memberId: string }
  | { readonly told: 'assigned' | 'revoked'; readonly partition: number; readonly generation: number }
  | { readonly told: 'records'; readonly partition: number; readonly next: number }
  | { readonly told: 'standby'; readonly partitions: readonly number[] }
  | { readonly told: 'owns'; readonly partition: number; readonly owns: boolean }

export type Asked =
  | { readonly ask: 'owns'; readonly partition: number }
  | { readonly ask: 'settle' }
  | { readonly ask: 'warm'; readonly partitions: readonly number[] }
  | { readonly ask: 'leave' }

export type ProcessMember = {
  readonly memberId: string
  readonly told: readonly Told[]
  held(): number[]
  standbys(): readonly number[]
  ask(asked: Asked): void
  /** SIGSTOP, SIGCONT, SIGKILL. */
  signal(signal: NodeJS.Signals): void
  /** Ends it, whatever state it is in. */
  end(): Promise<void>
}

export async function startProcessMember(options: ProcessMemberOptions): Promise<ProcessMember> {
  const child: ChildProcess = fork(
    fileURLToPath(new URL('./member-process.ts', import.meta.url)),
    [JSON.stringify(options)],
    { execArgv: ['--disable-warning=ExperimentalWarning'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  )
  const told: Told[] = []
  child.on('message', (message: Told) => void told.push(message))
  const exited = once(child, 'exit')
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
  try {
    await until('a member has joined', () => {
      if (child.exitCode !== null) throw new Error(`a member ended with ${child.exitCode}`)
      return told.some((each) => each.told === 'joined')
    }, 40_000)
  } catch (error) {
    await end()
    throw error
  }
  return {
    memberId: told.flatMap((each) => (each.told === 'joined' ? [each.memberId] : []))[0] ?? '',
    told,
    held: () => {
      const held = new Set<number>()
      for (const each of told) {
        if (each.told === 'assigned') held.add(each.partition)
        if (each.told === 'revoked') held.delete(each.partition)
      }
      return [...held].sort((a, b) => a - b)
    },
    standbys: () => told.findLast((each) => each.told === 'standby')?.partitions ?? [],
    ask: (asked) => void child.send(asked),
    signal: (signal) => void child.kill(signal),
    end,
  }
}
