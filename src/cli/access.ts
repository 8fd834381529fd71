// What each part of a node may do on the brokers, and nothing more: the source of the ACLs that an
// operator grants. test/kafka/acls.test.ts runs every part with only its own.

import type { Role } from '../node/index.ts'
import type { Topic, TopicNames } from '../protocol/topics.ts'
import { SINK_ROLE, sinkGroup } from './connectors.ts'
import { ROLES } from './roles.ts'

/** As `kafka-acls --operation` names them. */
export type Operation =
  | 'Read'
  | 'Write'
  | 'Create'
  | 'Delete'
  | 'Describe'
  | 'DescribeConfigs'

export type Grant = {
  readonly resource: 'topic' | 'group'
  readonly name: string
  readonly operations: readonly Operation[]
}

/**
 * A role of a node; `door`: the HTTP API that every node has, as far as it takes messages; `admin`:
 * whoever makes the topics and writes the genesis, once; `arweave-sink`: the connector;
 * `producer`: any Kafka client that puts messages on ingress; `reader`: any that reads the log.
 */
export type Grantee = Role | 'door' | 'admin' | 'arweave-sink' | 'producer' | 'reader'

export const GRANTEES: readonly Grantee[] = [
  ...ROLES,
  ...(['door', 'admin', 'arweave-sink', 'producer', 'reader'] as const),
]

type Group = Role | typeof SINK_ROLE

type Needs = {
  readonly topics?: Readonly<Partial<Record<Topic, readonly Operation[]>>>
  /** By the role whose group it is. */
  readonly groups?: Readonly<Partial<Record<Group, readonly Operation[]>>>
}

const NEEDS: Readonly<Record<Grantee, Needs>> = {
  sequencer: {
    topics: {
      // Delete: what the group has committed is trimmed
      ingress: ['Read', 'Delete'],
      log: ['Read', 'Write'],
      registry: ['Write'],
      deadletters: ['Write'],
    },
    groups: { sequencer: ['Read'] },
  },
  dre: {
    topics: {
      log: ['Read'],
      outbox: ['Read', 'Write', 'Delete'],
      snapshots: ['Read', 'Write'],
      modules: ['Read', 'Write'],
    },
    // how far the relayers are says what of the outbox may be trimmed
    groups: { dre: ['Read'], relayer: ['Describe'] },
  },
  relayer: {
    topics: { outbox: ['Read'], ingress: ['Read', 'Write'] },
    groups: { relayer: ['Read'] },
  },
  door: {
    topics: { ingress: ['Write'], log: ['Read'] },
    groups: { sequencer: ['Describe'], dre: ['Describe'], relayer: ['Describe'] },
  },
  // and may create every topic
  admin: { topics: { registry: ['Write'] } },
  'arweave-sink': {
    // a dead letter queue of another name, or none, is the operator's to grant
    topics: { log: ['Read'], registry: ['Read'], deadletters: ['Write'] },
    groups: { 'arweave-sink': ['Read'] },
  },
  producer: { topics: { ingress: ['Write'] } },
  reader: { topics: { log: ['Read'] } },
}

/** Which are no node. */
const OUTSIDE: ReadonlySet<Grantee> = new Set(['arweave-sink', 'producer', 'reader'])
/** Of every node: it looks at all topics before it runs, and reads the network's genesis. */
const EVERY_NODE: readonly Operation[] = ['Describe', 'DescribeConfigs']

/** The least that lets all of these be played at once, in the order of the topics. */
export function grantsOf(
  grantees: readonly Grantee[],
  applicationId: string,
  names: TopicNames,
): Grant[] {
  const needs = grantees.map((each) => NEEDS[each])
  const isNode = grantees.some((each) => !OUTSIDE.has(each))
  const creates: Operation[] = grantees.includes('admin') ? ['Create'] : []
  const topics = (Object.keys(names) as Topic[]).map((topic): Grant => {
    const own = needs.flatMap((each) => each.topics?.[topic] ?? [])
    const registry: Operation[] = topic === 'registry' ? ['Read'] : []
    const common = isNode ? [...registry, ...EVERY_NODE] : []
    const operations = together([...creates, ...own, ...common])
    return { resource: 'topic', name: names[topic], operations }
  })
  const groups = ([...ROLES, SINK_ROLE] as const).map((group): Grant => {
    const own = needs.flatMap((each) => each.groups?.[group] ?? [])
    const name = group === SINK_ROLE ? sinkGroup(applicationId) : `${applicationId}.${group}`
    return { resource: 'group', name, operations: together(own) }
  })
  return [...topics, ...groups].filter(({ operations }) => operations.length > 0)
}

/** Each once. Read, Write and Delete imply Describe. */
function together(operations: readonly Operation[]): Operation[] {
  const all = new Set(operations)
  if (all.has('Read') || all.has('Write') || all.has('Delete')) all.delete('Describe')
  return [...all]
}
