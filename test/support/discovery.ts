// Which broker the Kafka tests of a run share: the first of what is there. What is there is asked
// through probes, so that the order can be tested without any of it.

export type BrokerChoice =
  | { readonly from: 'KAFKA_BROKERS'; readonly bootstrapServers: string }
  | { readonly from: 'docker' | 'jvm' }
  | { readonly from: 'none'; readonly why: string }

/** Each says why not, in a few words, or nothing where it can. */
export type Probes = {
  whyNoDocker(): Promise<string | undefined>
  whyNoJvm(): string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * KAFKA_BROKERS, then a Docker engine, then a JVM. HB_KAFKA_FROM=docker or =jvm takes that one, and
 * nothing else if it cannot be had.
 */
export async function chooseBroker(env: Environment, probes: Probes): Promise<BrokerChoice> {
  const forced = env['HB_KAFKA_FROM'] ?? ''
  if (!['', 'docker', 'jvm'].includes(forced)) {
    throw new Error(`HB_KAFKA_FROM is "${forced}": it may be docker or jvm`)
  }
  const bootstrapServers = env['KAFKA_BROKERS'] ?? ''
  if (forced === '' && bootstrapServers !== '') return { from: 'KAFKA_BROKERS', bootstrapServers }
  const whyNots: string[] = []
  for (const from of ['docker', 'jvm'] as const) {
    if (forced !== '' && forced !== from) continue
    const whyNot = from === 'docker' ? await probes.whyNoDocker() : probes.whyNoJvm()
    if (whyNot === undefined) return { from }
    whyNots.push(whyNot)
  }
  const why = whyNots.join(', ')
  const also = forced === '' ? ', and KAFKA_BROKERS is not set' : ` (HB_KAFKA_FROM=${forced})`
  return { from: 'none', why: `${why}${also}` }
}
