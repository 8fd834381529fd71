// server.properties of a test's brokers: KRaft, broker and controller in one JVM, all on 127.0.0.1.
// What waits for seconds or minutes in production waits for as little as can be here.

/** Names of listeners; each is also its security protocol, the controller's excepted. */
export type Listener = 'PLAINTEXT' | 'SASL_PLAINTEXT' | 'SASL_SSL' | 'SSL'

export type BrokerPlace = {
  readonly id: number
  readonly host: string
  readonly ports: Readonly<Partial<Record<Listener | 'CONTROLLER', number>>>
  readonly dataDir: string
}

export type Properties = Readonly<Record<string, string>>

const REPLICAS_MAX = 3

/** `all`: every broker of the cluster, `own` among them. */
export function brokerProperties(
  own: BrokerPlace,
  all: readonly BrokerPlace[],
  changed: Properties = {},
): Properties {
  const replicas = String(Math.min(REPLICAS_MAX, all.length))
  const inSync = all.length >= REPLICAS_MAX ? '2' : '1'
  const addresses = Object.entries(own.ports).map(([name, port]) => `${name}://${own.host}:${port}`)
  const protocols = Object.keys(own.ports).map(
    (name) => `${name}:${name === 'CONTROLLER' ? 'PLAINTEXT' : name}`,
  )
  return {
    'process.roles': 'broker,controller',
    'node.id': String(own.id),
    'controller.quorum.voters': all
      .map(({ id, host, ports }) => `${id}@${host}:${ports.CONTROLLER}`)
      .join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: addresses.join(','),
    'advertised.listeners': addresses.filter((address) => !/^CONTROLLER/.test(address)).join(','),
    'listener.security.protocol.map': protocols.join(','),
    'log.dirs': own.dataDir,
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    ...FOR_TESTS,
    ...changed,
  }
}

const FOR_TESTS: Properties = {
  'auto.create.topics.enable': 'false',
  'unclean.leader.election.enable': 'false',
  'num.partitions': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '4',
  // Groups form at once, and a dead member is seen within a second.
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  // A dead broker is seen within six seconds instead of nine.
  'broker.session.timeout.ms': '6000',
  'broker.heartbeat.interval.ms': '1000',
  // Compaction and retention can be watched: every second instead of every 15 s and 5 min.
  'log.initial.task.delay.ms': '500',
  'log.cleaner.backoff.ms': '500',
  'log.cleaner.dedupe.buffer.size': '4194304',
  'log.retention.check.interval.ms': '1000',
  'log.segment.delete.delay.ms': '1000',
  // Three brokers share the cores of a small machine.
  'num.network.threads': '2',
  'num.io.threads': '4',
  'background.threads': '2',
}

export function propertiesText(properties: Properties): string {
  const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${escaped(value)}\n`)
    .join('')
}
