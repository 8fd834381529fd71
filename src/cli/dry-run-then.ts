// hb dry-run --at-…: the state of then out of the recorded log, and the message tried on it here.

import type { DryRunSpec, DryRunView } from '../client/index.ts'
import type { Point } from '../replay/index.ts'
import { systemClock } from '../std/clock.ts'
import type { CommandContext } from './context.ts'
import { processOf, withHistory, withWorkbench, type HistoryOptions } from './history.ts'
import { showProgress } from './progress.ts'

export type TriedThen = {
  readonly point: Point
  /** `caller`: an address, an id, or a name of genesis. */
  readonly spec: DryRunSpec
  readonly withState: boolean
}

export async function dryRunThen(
  context: CommandContext,
  name: string,
  options: HistoryOptions & { readonly json?: true },
  { point, spec, withState }: TriedThen,
): Promise<DryRunView> {
  const { terminal } = context
  const { dryRunAt } = await import('../replay/index.ts')
  const { dryRunView } = await import('../node/index.ts')
  return withHistory(context, options, async (history) => {
    const { network } = history
    const process = processOf(network, name)
    const timestamp = spec.timestamp ?? systemClock.now()
    const whole = { ...spec, timestamp, caller: processOf(network, spec.caller) }
    const progress = showProgress(terminal, `replaying ${name}`, 'records')
    try {
      const { basis, run, began } = await withWorkbench(network, 1, (bench) =>
        dryRunAt({
          ...history,
          ...bench,
          process,
          point,
          spec: whole,
          withState,
          onProgress: (done, total) => progress.at(done, total),
          signal: terminal.signal,
        }),
      )
      progress.end()
      if (options.json !== true && began.at === 'manifest') {
        terminal.err(`Began at the states recorded at height ${began.height}.`)
      }
      return dryRunView(basis, timestamp, run)
    } finally {
      progress.end()
    }
  })
}
