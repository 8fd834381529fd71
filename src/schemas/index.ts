// The door of the room of schemas: subjects of ours in a registry, and schemas of others from it.

import type { WriterSchemas } from './port.ts'
import type { RegistryPlace } from './registry-api.ts'
import { RegistryWriterSchemas } from './registry-writer-schemas.ts'

export type { WriterSchema, WriterSchemas } from './port.ts'
export type { RegistryPlace } from './registry-api.ts'
export { subjectsOf } from './subjects.ts'
export type { Subject } from './subjects.ts'
export { COMPATIBILITY, SubjectRegistry } from './subject-registry.ts'
export type { Compared, Registered } from './subject-registry.ts'
export type { Difference } from './difference.ts'

/** Asks nothing until it is asked: a registry that is away keeps nobody from starting. */
export function openWriterSchemas(place: RegistryPlace): WriterSchemas {
  return new RegistryWriterSchemas(place)
}
