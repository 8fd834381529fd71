// The test: the suites under test/ and contracts/, of which test/guards/ are the type check, the
// lint rules, the import table, the style rules and the package itself; without the slow ones,
// which have a script of their own. Arguments go to jest (a path runs only what is below it). At
// the end it says which broker the Kafka tests had, or why they were skipped (test/support/).
//
// Invariant: the last line on stdout is "N passed, N failed"; a suite that could not run at all
// counts as a failure, and so does a run without tests. The exit code is 0 only with no failure.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ARWEAVE_SUITES, SLOW_SUITES } from './slow-suites.mjs'

/** What jest's own report (its --json output) comes to, as numbers of tests. */
export function countTests(report) {
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites
  const nothingRan = report.numPassedTests === 0 && failed === 0
  return { passed: report.numPassedTests, failed: nothingRan ? 1 : failed }
}

function runJest(args, env) {
  const script = fileURLToPath(new URL('./jest.mjs', import.meta.url))
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } }
  const child = spawn(process.execPath, [script, ...args], options)
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}

/**
 * Runs the suites that jest's arguments select; writes which broker the Kafka tests had, and the
 * count, to stdout; sets the exit code.
 */
export async function runSuites(args, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'hollowbeam-test-'))
  const outputFile = join(folder, 'report.json')
  const linesFile = join(folder, 'kafka-lines')
  const started = performance.now()
  const code = await runJest(['--json', `--outputFile=${outputFile}`, ...args], {
    ...env,
    HB_KAFKA_LINES: linesFile,
  })
  const { passed, failed } = readCounts(outputFile)
  const kafkaLines = existsSync(linesFile) ? readFileSync(linesFile, 'utf8') : ''
  rmSync(folder, { recursive: true, force: true })
  process.stdout.write(kafkaLines)
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2)
  console.log(`Testing on Node ${process.version}: types, lint, import table, style, suites.`)
  if (args.length === 0) {
    const slow = SLOW_SUITES.map((suite) => suite.replace('test/', '')).join(', ')
    console.log(`Left to "npm run test:slow": ${slow}.`)
    console.log('Left to "npm run test:arweave": what needs a gateway.')
    const left = [...SLOW_SUITES, ...ARWEAVE_SUITES]
    for (const suite of left) args.push(`--testPathIgnorePatterns=${suite}`)
  }
  await runSuites(args)
}
