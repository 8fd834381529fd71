// The Kafka log keeps the port's promises, on the run's one broker.

import { describeKafka, sharedKafka } from '../../support/kafka.ts'
import { logConformance } from '../conformance.ts'
import { kafkaSubject } from './subject.ts'

describeKafka('one broker', () => {
  logConformance(
    'kafka',
    kafkaSubject(async () => (await sharedKafka()).bootstrapServers),
  )
})
