// The topics of an embedded network on another log, as brokers would hold them.

import { agreeOnNetwork } from '../../src/node/index.ts'
import type { Log } from '../../src/log/port.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import { topicNames, topicSpecs, type Topic } from '../../src/protocol/topics.ts'
import { systemClock } from '../../src/std/clock.ts'

const COPIED: readonly Topic[] = ['log', 'snapshots', 'modules']

export async function copyTopics(
  network: Network,
  source: Log,
  log: Log,
  applicationId: string,
): Promise<void> {
  const names = topicNames(applicationId)
  await log.provision(topicSpecs(names, network.genesis.partitions))
  const make = async () => network
  await agreeOnNetwork({ log, applicationId, clock: systemClock, own: network, make })
  for (const topic of COPIED) {
    const from = topicNames('hb')[topic]
    for (let partition = 0; partition < (await source.ends(from)).length; partition++) {
      const { records } = await source.read(from, partition, 0, { bytesMax: 1e9 })
      const copied = records.map(({ key, value, headers }) => ({ key, value, headers: headers ?? {} }))
      if (copied.length > 0) await log.append(names[topic], partition, copied)
    }
  }
}
