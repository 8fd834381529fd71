// What comes from outside: checked, made durable in ingress, and asked for afterwards.
//
// Invariants: N1 what `submit` answered is durable in ingress. N2 receipts and results come from
// what is settled and published, never from a guess.

import { Records } from '../protocol/codec/records.ts'
import type { Network } from '../protocol/genesis.ts'
import { signedMessage } from '../protocol/signed.ts'
import { partitionOf } from '../protocol/topics.ts'
import { HbError, isHbError } from '../std/errors.ts'
import type { RememberingVerifier } from '../verifier/index.ts'
import type { MessageStatus, NodeApi, Submitted } from './api.ts'
import type { IngressWriter } from './ingress-writer.ts'
import type { NodeQueries } from './queries.ts'
import type { Waits } from './waits.ts'

export type DoorOptions = {
  readonly network: Network
  readonly verifier: RememberingVerifier
  readonly ingress: IngressWriter
  readonly waits: Waits
  readonly queries: NodeQueries
}

export class Door {
  readonly #o: DoorOptions
  readonly #records = new Records()

  constructor(options: DoorOptions) {
    this.#o = options
  }

  api(): NodeApi {
    const { queries, network } = this.#o
    return {
      network,
      submit: (items) => this.#submit(items),
      waitFor: (id, stage, timeoutMs) => this.#waitFor(id, stage, timeoutMs),
      message: (id) => Promise.resolve(this.#status(id)),
      processes: (page) => Promise.resolve(queries.processes(page)),
      process: (id) => Promise.resolve(queries.process(id)),
      state: (id) => Promise.resolve(queries.state(id)),
      results: (id, from, limit) => Promise.resolve(queries.results(id, from, limit)),
      tail: (partition, from, signal) => queries.tail(partition, from, signal),
      health: () => queries.health(),
    }
  }

  async #submit(items: readonly Uint8Array[]): Promise<Submitted[]> {
    const { network, verifier, ingress, waits } = this.#o
    const answers = items.map((item): Submitted => {
      try {
        const { id, process } = signedMessage(network, item)
        return { id, process, partition: partitionOf(process, network.genesis.partitions) }
      } catch (error) {
        if (isHbError(error)) return { error }
        throw error
      }
    })
    const formed = items.filter((_, index) => !('error' in (answers[index] as Submitted)))
    const verdicts = (await verifier.verifyFirst(formed)).values()
    const accepted: { partition: number; record: { key: string; value: Buffer } }[] = []
    answers.forEach((answer, index) => {
      if ('error' in answer) return
      const verdict = verdicts.next().value
      if (verdict === undefined || !verdict.ok) {
        const code = verdict?.code ?? 'signature-invalid'
        answers[index] = { error: new HbError(code, verdict?.text ?? '') }
        return
      }
      const item = Buffer.from(items[index] as Uint8Array)
      const value = this.#records.encodeIngress({ type: 'signed', item })
      accepted.push({ partition: answer.partition, record: { key: answer.process, value } })
    })
    if (accepted.length === 0) return answers
    const fresh = answers.flatMap((answer) =>
      'error' in answer || waits.isPending(answer.id) ? [] : [answer.id],
    )
    for (const id of fresh) waits.submitted(id)
    try {
      await ingress.write(accepted)
    } catch (error) {
      for (const id of fresh) waits.withdrawn(id)
      throw error
    }
    return answers
  }

  #status(id: string): MessageStatus | undefined {
    const { queries, waits } = this.#o
    const receipt = queries.receipt(id)
    const result = queries.resultOf(id)
    if (result !== undefined) {
      return { id, stage: 'evaluated', result, ...(receipt && { receipt }) }
    }
    if (receipt !== undefined) return { id, stage: 'sequenced', receipt }
    const refusal = waits.refusal(id)
    if (refusal !== undefined) {
      return { id, stage: 'refused', refusal: { code: refusal.code, text: refusal.message } }
    }
    return waits.isPending(id) ? { id, stage: 'pending' } : undefined
  }

  async #waitFor(
    id: string,
    stage: 'sequenced' | 'result',
    timeoutMs: number,
  ): Promise<MessageStatus> {
    const { waits } = this.#o
    const enough = (status: MessageStatus | undefined): status is MessageStatus =>
      status !== undefined &&
      (status.stage === 'evaluated' ||
        status.stage === 'refused' ||
        (stage === 'sequenced' && status.stage === 'sequenced'))
    const before = this.#status(id)
    if (enough(before) || timeoutMs <= 0) return before ?? { id, stage: 'pending' }
    await waits.until(id, stage, timeoutMs)
    return this.#status(id) ?? { id, stage: 'pending' }
  }
}
