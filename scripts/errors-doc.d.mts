// Types of errors-doc.mjs.
import type { ErrorRow } from '../src/std/errors.ts'

export function errorsDoc(table: Readonly<Record<string, ErrorRow>>): string
