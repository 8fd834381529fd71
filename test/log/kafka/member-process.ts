// A member of a group in an OS process of its own, to be killed and frozen: the other end of
// process-member.ts, which says what is told and asked. Started with its options as JSON.

import { openKafkaLog } from '../../../src/log/kafka/index.ts'
import type { Membership } from '../../../src/log/port.ts'
import type { Asked, ProcessMemberOptions, Told } from './process-member.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as ProcessMemberOptions
const { bootstrapServers, limits, group, topic, standbys, address } = options

const tell = (told: Told): void => void process.send?.(told)
/** Kept until it is told to settle. */
const unsettled: (() => void)[] = []
let isHolding = options.holdsRecords === true
let warm: readonly number[] = []

const log = await openKafkaLog({ bootstrapServers, limits, onWarning: () => undefined })
const own: { membership?: Membership } = {}
const generation = (): number => own.membership?.generation() ?? -1
const membership = await log.join({
  group,
  topics: [topic],
  ...(standbys !== undefined && { standbys }),
  ...(address !== undefined && { address }),
  member: {
    assigned: async (partition, committed) => {
      tell({ told: 'assigned', partition, generation: generation() })
      return { [topic]: committed[topic] ?? 'earliest' }
    },
    records: async ({ partition, next }) => {
      tell({ told: 'records', partition, next })
      if (isHolding) await new Promise<void>((resolve) => unsettled.push(resolve))
    },
    revoked: async (partition) => tell({ told: 'revoked', partition, generation: generation() }),
    standby: (partitions) => {
      if (options.isWarmAtOnce === true) warm = partitions
      tell({ told: 'standby', partitions })
    },
    holds: () => new Map(warm.map((partition) => [partition, 0])),
  },
})
own.membership = membership
tell({ told: 'joined', memberId: membership.memberId })

process.on('message', (asked: Asked) => {
  void answer(asked)
})

async function answer(asked: Asked): Promise<void> {
  if (asked.ask === 'owns') {
    const owns = await membership.owns(asked.partition)
    tell({ told: 'owns', partition: asked.partition, owns })
  } else if (asked.ask === 'settle') {
    isHolding = false
    for (const settle of unsettled.splice(0)) settle()
  } else if (asked.ask === 'warm') warm = asked.partitions
  else {
    await log.close()
    process.disconnect()
  }
}
