// Schemas that others registered, as a reader of their records needs them.
//
// Invariant: what an id stands for never changes; that a registry does not know one may change.

export type WriterSchema =
  /** Its text, with all that it refers to inside. */
  | { readonly type: 'avro'; readonly schema: string }
  /** The registry has no such schema, or one that is not Avro or not well-formed. */
  | { readonly type: 'unusable'; readonly text: string }

export type WriterSchemas = {
  /** Throws `schema-registry-unreachable` or `schema-registry-refused` where nobody can tell. */
  writerSchema(id: number): Promise<WriterSchema>
}
