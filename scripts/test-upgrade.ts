// npm run test:upgrade [-- --from REVISION] [--seed N]: a rolling restart under load, from the
// build of an earlier commit (default: the one before this) to the build of these sources, on three
// brokers. Nothing may fail, and the checker of the chaos tests judges the rest.
//
// Invariants: the last line on stdout is one JSON object; the exit code is 0 only where it is `ok`.
// Both builds are made in a folder of their own, which goes.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openKafkaLog } from '../src/log/kafka/index.ts'
import { runRollingRestart } from '../test/chaos/run.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

const { values } = parseArgs({
  options: { from: { type: 'string', default: 'HEAD~1' }, seed: { type: 'string', default: '1' } },
})

const folder = mkdtempSync(join(tmpdir(), 'hb-upgrade-'))
try {
  const outcome = await runRollingRestart({
    seed: Number(values.seed),
    seconds: 0,
    short: false,
    from: builtOf(values.from),
    to: builtHere(),
    openLog: (bootstrapServers) => openKafkaLog({ bootstrapServers, clientId: 'hb-upgrade' }),
    say: (line) => console.log(line),
  })
  console.log(JSON.stringify({ from: values.from, ...outcome }))
  process.exitCode = outcome.ok ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The program of a commit, built of its own sources. */
function builtOf(revision: string): string {
  const root = join(folder, 'before')
  run('git', ['clone', '--quiet', '--no-checkout', '--shared', ROOT, root], ROOT)
  const commit = run('git', ['rev-parse', revision], ROOT).trim()
  run('git', ['checkout', '--quiet', commit], root)
  if (isSame('package-lock.json', root)) linkModules(root)
  else run('npm', ['ci', '--no-audit', '--no-fund'], root)
  run(process.execPath, [join(root, 'scripts/build.mjs')], root)
  return join(root, 'bin/hb.js')
}

/** These sources, whatever of them is committed: as a package has them. */
function builtHere(): string {
  const root = join(folder, 'after')
  for (const name of ['bin', 'schemas', 'package.json']) {
    cpSync(join(ROOT, name), join(root, name), { recursive: true })
  }
  linkModules(root)
  run(process.execPath, [join(ROOT, 'scripts/build.mjs'), '--out', join(root, 'dist')], ROOT)
  return join(root, 'bin/hb.js')
}

function linkModules(root: string): void {
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
}

function isSame(file: string, root: string): boolean {
  return readFileSync(join(ROOT, file), 'utf8') === readFileSync(join(root, file), 'utf8')
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return stdout
  const said = error?.message ?? (stdout + stderr).slice(-2_000)
  throw new Error(`${command} ${args.join(' ')}: ${said}`)
}
