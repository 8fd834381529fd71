// The whole test: every suite under test/ and contracts/, of which test/guards/ are the type check,
// the lint rules, the import table, the style rules and the package itself. Arguments go to jest (a
// path runs only what is below it).
//
// Invariant: the last line on stdout is "N passed, N failed"; a suite that could not run at all
// counts as a failure, and so does a run without tests. The exit code is 0 only with no failure.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What jest's own report (its --json output) comes to, as numbers of tests. */
export function countTests(report) {
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites
  const nothingRan = report.numPassedTests === 0 && failed === 0
  return { passed: report.numPassedTests, failed: nothingRan ? 1 : failed }
}

function runJest(args) {
  const script = fileURLToPath(new URL('./jest.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 2, 2] })
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'hollowbeam-test-'))
  const outputFile = join(folder, 'report.json')
  const started = performance.now()
  console.log(`Testing on Node ${process.version}: types, lint, import table, style, every suite.`)
  const code = await runJest(['--json', `--outputFile=${outputFile}`, ...process.argv.slice(2)])
  const { passed, failed } = readCounts(outputFile)
  rmSync(folder, { recursive: true, force: true })
  console.log(`Took ${Math.round((performance.now() - started) / 1000)} s.`)
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 || code !== 0 ? 1 : 0
}

function readCounts(outputFile) {
  try {
    return countTests(JSON.parse(readFileSync(outputFile, 'utf8')))
  } catch {
    return { passed: 0, failed: 1 }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
