// The wire format of schema registries' clients: a zero byte, the id of the writer's schema (four
// bytes, big-endian), then the Avro datum. Nothing of ours is written so: ingress alone is read so.
// Source: Confluent Schema Registry, "Wire format".

export const CONFLUENT_HEADER_BYTES = 5

/** Undefined: not that format (ids are not negative). */
export function schemaIdOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < CONFLUENT_HEADER_BYTES || bytes[0] !== 0) return undefined
  const id = new DataView(bytes.buffer, bytes.byteOffset).getInt32(1)
  return id < 0 ? undefined : id
}
