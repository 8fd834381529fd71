// Writers' schemas, from a registry.

import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { HbError } from '../std/errors.ts'
import type { WriterSchema, WriterSchemas } from './port.ts'
import { faultOf, RegistryApi, settingsOf, statusOf, type RegistryPlace } from './registry-api.ts'

export class RegistryWriterSchemas implements WriterSchemas {
  readonly #place: RegistryPlace
  readonly #api: RegistryApi
  /** It puts schemas together from what they refer to, and keeps each for ever. */
  #registry: SchemaRegistry

  constructor(place: RegistryPlace) {
    this.#place = place
    this.#api = new RegistryApi(place)
    this.#registry = this.#open()
  }

  #open(): SchemaRegistry {
    return new SchemaRegistry(settingsOf(this.#place) as never)
  }

  async writerSchema(id: number): Promise<WriterSchema> {
    try {
      const found: unknown = await this.#api.inTime(this.#registry.getSchema(id))
      const isAvro = typeof (found as { createResolver?: unknown }).createResolver === 'function'
      if (isAvro) return { type: 'avro', schema: JSON.stringify(found) }
      return { type: 'unusable', text: `schema ${id} is not Avro` }
    } catch (error) {
      // the class joins those who ask for an id to the one who asked first: not if that hangs
      if (error instanceof HbError) this.#registry = this.#open()
      if (error instanceof HbError) throw error
      return this.#judge(id, error)
    }
  }

  /** Whether it is the schema's fault, or that of what is asked. */
  async #judge(id: number, error: unknown): Promise<WriterSchema> {
    const status = statusOf(error)
    if (status === 404) {
      await this.#api.mustBeRegistry()
      return { type: 'unusable', text: `the registry has no schema ${id}` }
    }
    if (status !== undefined) throw faultOf(error)
    const text = await this.#api.schemaText(id).catch((fault: unknown) => {
      throw faultOf(fault)
    })
    if (text !== undefined) return { type: 'unusable', text: `schema ${id}: ${String(error)}` }
    throw new HbError('schema-registry-refused', 'what answers there is no schema registry')
  }
}
