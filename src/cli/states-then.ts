// States of before, for `hb state --at-…` and `hb diff`.

import type { Point } from '../replay/index.ts'
import { toBase64Url } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import type { CommandContext } from './context.ts'
import { processOf, withHistory, withWorkbench, type HistoryOptions } from './history.ts'
import { showProgress } from './progress.ts'

export type PointOptions = {
  readonly atSlot?: number
  readonly atHeight?: number
  readonly atTime?: number
}

/** A state as it was: hash in base64url, `text` its JSON. */
export type ShownState = {
  readonly process: string
  readonly slot: number
  readonly height: number
  readonly timestamp?: number
  readonly stateHash: string
  readonly text: string
}

export function pointOf({ atSlot, atHeight, atTime }: PointOptions): Point {
  const points: Point[] = []
  if (atSlot !== undefined) points.push({ slot: atSlot })
  if (atHeight !== undefined) points.push({ height: atHeight })
  if (atTime !== undefined) points.push({ time: atTime })
  const [point, ...others] = points
  if (point === undefined || others.length > 0) {
    throw new HbError('usage', 'name one of --at-slot, --at-height and --at-time')
  }
  return point
}

/** One per point, in order; says on stderr where it began, unless for a program. */
export async function showStatesThen(
  context: CommandContext,
  name: string,
  options: HistoryOptions & { readonly json?: true },
  points: readonly Point[],
): Promise<ShownState[]> {
  const { terminal } = context
  const { statesAt } = await import('../replay/index.ts')
  return withHistory(context, options, async (history) => {
    const process = processOf(history.network, name)
    const progress = showProgress(terminal, `replaying ${name}`, 'records')
    try {
      const { states, began } = await withWorkbench(history.network, 1, (bench) =>
        statesAt({
          ...history,
          ...bench,
          process,
          points,
          onProgress: (done, total) => progress.at(done, total),
          signal: terminal.signal,
        }),
      )
      progress.end()
      if (options.json !== true && began.at === 'manifest') {
        terminal.err(`Began at the states recorded at height ${began.height}.`)
      }
      return states.map(({ slot, height, timestamp, stateHash, text }) => ({
        process,
        slot,
        height,
        ...(timestamp !== undefined && { timestamp }),
        stateHash: toBase64Url(stateHash),
        text,
      }))
    } finally {
      progress.end()
    }
  })
}
