// Which subjects a registry has of an application id, and which schema each of them holds.
//
// `<topic>-value` (TopicNameStrategy) is what most records of a topic are; the other kinds of a
// topic are `<topic>-<full name of the record>` (TopicRecordNameStrategy).

import { SCHEMAS } from '../protocol/codec/schemas.ts'
import { topicNames } from '../protocol/topics.ts'

export type Subject = {
  readonly name: string
  readonly topic: string
  /** Full name of its record. */
  readonly record: string
  /** JSON text. */
  readonly schema: string
}

export function subjectsOf(applicationId: string): Subject[] {
  const names = topicNames(applicationId)
  const value = (topic: string, schema: string): Subject => {
    return { name: `${topic}-value`, topic, record: recordOf(schema), schema }
  }
  const other = (topic: string, schema: string): Subject => {
    const record = recordOf(schema)
    return { name: `${topic}-${record}`, topic, record, schema }
  }
  return [
    value(names.ingress, SCHEMAS.ingress),
    value(names.log, SCHEMAS.entry),
    other(names.log, SCHEMAS.claim),
    value(names.outbox, SCHEMAS.run),
    value(names.snapshots, SCHEMAS.snapshot),
    other(names.snapshots, SCHEMAS.manifest),
    value(names.modules, SCHEMAS.module),
    value(names.registry, SCHEMAS.network),
    other(names.registry, SCHEMAS.head),
    // what was refused is kept as it came: those that were records at all were these
    value(names.deadletters, SCHEMAS.ingress),
  ]
}

function recordOf(schema: string): string {
  const { namespace, name } = JSON.parse(schema) as { namespace: string; name: string }
  return `${namespace}.${name}`
}
