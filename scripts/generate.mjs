// Writes all that is made from something else in the checkout: docs/ERRORS.md, the codec's schemas,
// docs/operating/metrics.md.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

for (const script of ['errors-doc.mjs', 'schemas.mjs', 'metrics-doc.mjs']) {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const run = spawnSync(process.execPath, [file], { stdio: 'inherit' })
  if (run.status !== 0) process.exit(run.status ?? 1)
}
