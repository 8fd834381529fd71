// Metadata with the ids of topics, which kafkajs' versions of the request do not have: a topic that
// was deleted and made again has another id.
//
//   Metadata v12: tagged fields of the header · [uuid 0 · string name · tagged] · i8 make missing
//   ones (0) · i8 (0) · tagged
//   answer: tagged fields of the header · i32 throttle · [i32 node · string host · i32 port ·
//   string rack · tagged] · string cluster · i32 controller · [i16 error · string name · uuid · i8
//   internal · [i16 error · i32 partition · i32 leader · i32 leader epoch · [i32] replicas · [i32]
//   in sync · [i32] offline · tagged] · i32 operations · tagged] · tagged
//   all compact (wire.ts); no topic asked for: none is answered

import Encoder from 'kafkajs/src/protocol/encoder.js'
import type { BrokerPlace, OwnRequest } from './connection.ts'
import { WireReader } from './wire.ts'

export type PartitionLeader = {
  /** −1 while there is none. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

export type TopicMetadata = {
  readonly topic: string
  readonly code: number
  readonly id: string
  /** By partition. */
  readonly partitions: readonly PartitionLeader[]
}

export type Metadata = {
  readonly brokers: readonly (BrokerPlace & { readonly id: number })[]
  readonly controller: number
  readonly topics: readonly TopicMetadata[]
}

const NO_ID = Buffer.alloc(16)

export function metadataRequest(topics: readonly string[]): OwnRequest<Metadata> {
  return {
    name: 'Metadata',
    apiKey: 3,
    apiVersion: 12,
    encode: () => {
      const encoder = new Encoder(64 + topics.length * 300)
      encoder.writeInt8(0).writeUVarInt(topics.length + 1)
      for (const topic of topics) {
        encoder.writeBufferInternal(NO_ID)
        encoder.writeUVarIntString(topic).writeInt8(0)
      }
      return encoder.writeInt8(0).writeInt8(0).writeInt8(0)
    },
    quota: (data) => {
      const reader = new WireReader(data)
      reader.tags()
      return { throttleMs: reader.int32(), isWithheld: false }
    },
    decode: (data) => {
      const reader = new WireReader(data)
      reader.tags()
      reader.skip(4)
      const brokers = reader.compactList(() => {
        const id = reader.int32()
        const host = reader.compactText()
        const port = reader.int32()
        reader.compactText()
        reader.tags()
        return { id, host, port }
      })
      reader.compactText()
      const controller = reader.int32()
      return { brokers, controller, topics: reader.compactList(() => readTopic(reader)) }
    },
  }
}

function readTopic(reader: WireReader): TopicMetadata {
  const code = reader.int16()
  const topic = reader.compactText()
  const id = reader.uuid()
  reader.skip(1)
  const partitions: PartitionLeader[] = []
  for (let left = reader.compactLength(); left > 0; left--) {
    reader.skip(2)
    const index = reader.int32()
    const leader = reader.int32()
    reader.skip(4)
    const replicas = reader.compactList(() => reader.int32())
    const inSync = reader.compactList(() => reader.int32())
    reader.compactList(() => reader.int32())
    reader.tags()
    partitions[index] = { leader, replicas, inSync }
  }
  reader.skip(4)
  reader.tags()
  return { topic, code, id, partitions }
}
