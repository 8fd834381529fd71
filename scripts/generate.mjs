// Writes all that is made from something else in the checkout: docs/ERRORS.md, the codec's schemas,
// docs/operating/metrics.md, connectors/arweave-sink/CONFIG.md.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SCRIPTS = ['errors-doc.mjs', 'schemas.mjs', 'metrics-doc.mjs', 'connector-doc.mjs']
for (const script of SCRIPTS) {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const run = spawnSync(process.execPath, [file], { stdio: 'inherit' })
  if (run.status !== 0) process.exit(run.status ?? 1)
}
