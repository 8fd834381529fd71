// Results: one per height, whoever publishes it and however often, about what the log has accepted;
// and what clients are told is what is published.

import { resultView } from '../../../src/node/views.ts'
import { canonicalJson } from '../../../src/protocol/genesis.ts'
import { resultLeaf } from '../../../src/protocol/result.ts'
import type { Result } from '../../../src/protocol/result.ts'
import { equalBytes } from '../../../src/std/bytes.ts'
import type { Invariant } from './watch.ts'

/**
 * All published results of a height have the same leaf, stand at their height in a run without
 * gap to what was published before, and are about the entry that the log accepted there.
 */
export const resultsFinal: Invariant = ({ network, partitions }, tell) => ({
  run({ partition, offset, run, fresh }) {
    if (run === undefined || run.partition !== partition) {
      tell({ partition, text: `outbox offset ${offset} is no run of this partition` })
      return
    }
    const { entries, slots, results } = partitions[partition] as (typeof partitions)[number]
    const before = results.length - fresh.length
    if (run.from > before) {
      const text = `outbox offset ${offset} begins at ${run.from}`
      tell({ partition, height: before, text })
    }
    run.results.forEach((result, at) => {
      const { height, messageId: id, process, slot } = result
      const tellOf = (text: string): void => {
        tell({ partition, height, id, text: `outbox offset ${offset} ${text}` })
      }
      if (height !== run.from + at) tellOf(`has it where ${run.from + at} belongs`)
      const entry = entries[height]
      const isOf = entry !== undefined && equalBytes(entry.hash, result.entryHash)
      if (!isOf || entry.message.id !== id || entry.message.process !== process) {
        tellOf('is about an entry that the log has not accepted')
      } else if (slots[height] !== slot) {
        tellOf(`has slot ${slot} where ${slots[height]} is next`)
      }
      const first = results[height]
      if (first === undefined || first === result) return
      const isSame = (a: Result, b: Result): boolean =>
        resultLeaf(network.id, partition, a).equals(resultLeaf(network.id, partition, b))
      if (!isSame(first, result)) tellOf('says something else')
    })
  },
  status(node, { result: seen }) {
    if (seen === undefined) return
    const { partition, height, messageId: id } = seen
    const result = partitions[partition]?.results[height]
    const view = result && canonicalJson(resultView(network, partition, result))
    if (view === canonicalJson(seen)) return
    tell({ partition, height, id, text: `${node} gave another result than is published` })
  },
})
