// Types of metrics-doc.mjs.
type Row = { readonly type: string; readonly help: string; readonly labels: readonly string[] }

export const PROCESS_METRICS: Readonly<Record<string, Row>>
export function metricsDoc(...tables: readonly Readonly<Record<string, Row>>[]): string
export function ownOf<T>(table: Readonly<Record<string, T>>): Readonly<Record<string, T>>
