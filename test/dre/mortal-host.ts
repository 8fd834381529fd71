// A node's host for workers that end where a contract says a certain word: at the end of a call of
// handle or migrate, before anything of it is kept.

import type { CreateHost } from '../../src/runtime/evaluator/port.ts'
import type { HostData } from '../../src/node/host.ts'
import { hostOf } from '../../src/node/host.ts'

/** `word`: data of an event; `left`: of one number, how many deaths there are to be. */
export type MortalHostData = HostData & { readonly word: string; readonly left: Int32Array }

export const createHost: CreateHost = (hostData) => {
  const { limits, word, left } = hostData as MortalHostData
  const host = hostOf(limits)
  return {
    ...host,
    checkOutbox: (messages, parent) => {
      const isSaid = messages.some((message) => (message as { data?: unknown }).data === word)
      if (isSaid && Atomics.sub(left, 0, 1) > 0) process.exit(3)
      return host.checkOutbox(messages, parent)
    },
  }
}
