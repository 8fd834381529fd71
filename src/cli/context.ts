// What a command is given besides its own arguments, and where it leaves its exit code.

import type { KafkaOptions } from '../log/kafka/index.ts'
import type { Log } from '../log/port.ts'
import type { Terminal } from './terminal.ts'

/** How brokers are reached. */
export type OpenBrokers = (options: KafkaOptions) => Promise<Log>

export type CommandContext = {
  readonly terminal: Terminal
  readonly openBrokers: OpenBrokers
  exitCode: number
}
