// Types of connector-doc.mjs, for the test that holds the page against the table.
import type { ConfigTable } from '../connectors/arweave-sink/config-def.ts'

export function configDoc(keys: ConfigTable): string
