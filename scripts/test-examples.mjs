// The example projects as their authors would run them: each copied to a folder of its own, with
// this package packed and installed there, type-checked, and its tests run; those that want a
// broker where a Docker engine is up or can be brought up (Debian, root). `--no-docker` leaves them
// out; with HB_REQUIRE_KAFKA=1 no engine is a failure. A project's name does that one alone.
//
// Invariants: X1 nothing is written into the checkout, and nothing of it but the package is used.
// X2 the last line on stdout is "N passed, N failed".

import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'hollowbeam-examples-'))
const sum = { passed: 0, failed: 0 }

/** Runs to the end, shown on stderr. */
function run(program, args, cwd, env = {}) {
  console.error(`== ${basename(cwd)}: ${program} ${args.join(' ')}`)
  const options = { cwd, encoding: 'utf8', env: { ...process.env, ...env } }
  const { status, stdout, stderr } = spawnSync(program, args, options)
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`)
  return { ok: status === 0, output: stdout ?? '' }
}

/** One step counts as one test. */
function step(...what) {
  const { ok } = run(...what)
  if (ok) sum.passed += 1
  else sum.failed += 1
  return ok
}

/** Tests as Node's runner counts them; a run without any is a failure. */
function tests(script, cwd, env) {
  const { ok, output } = run('npm', ['run', '--silent', script], cwd, env)
  // both of the runner's reporters: "# pass 7" and "ℹ pass 7"
  const line = (name) => new RegExp(`^[#ℹ] ${name} (\\d+)$`, 'm')
  const count = (name) => Number(line(name).exec(output)?.[1] ?? 0)
  const passed = count('pass')
  sum.passed += passed
  sum.failed += Math.max(count('fail'), !ok || passed === 0 ? 1 : 0)
}

/** The package as it would be published; built beside the checkout, not in it. */
function pack() {
  const place = join(folder, 'package')
  for (const part of ['package.json', 'bin', 'schemas', 'LICENSE', 'README.md']) {
    cpSync(join(root, part), join(place, part), { recursive: true })
  }
  const build = [join(root, 'scripts/build.mjs'), '--out', join(place, 'dist')]
  if (!run(process.execPath, build, root).ok) return undefined
  const args = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder]
  const { ok, output } = run('npm', args, place)
  return ok ? join(folder, output.trim().split('\n').at(-1)) : undefined
}

/** What the Kafka tests need to know; undefined: there is no engine. */
async function docker() {
  if (process.argv.includes('--no-docker')) return undefined
  const up = spawnSync(join(root, 'test/support/docker-up.sh'), [], { stdio: ['ignore', 2, 2] })
  if (up.status !== 0) return undefined
  const { isLocalImage, kafkaImage } = await import('../test/support/docker-kafka.ts')
  const image = await kafkaImage()
  const local = isLocalImage(image) && { TESTCONTAINERS_RYUK_DISABLED: 'true' }
  return { KAFKA_IMAGE: image, ...local }
}

function install(example, tarball) {
  const project = join(folder, example)
  const isSource = (path) => !['node_modules', 'jars'].includes(basename(path))
  cpSync(join(root, 'examples', example), project, { recursive: true, filter: isSource })
  const file = join(project, 'package.json')
  const description = JSON.parse(readFileSync(file, 'utf8'))
  description.devDependencies.hollowbeam = `file:${tarball}`
  writeFileSync(file, JSON.stringify(description, undefined, 2))
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  return step('npm', ['install', ...quiet], project) ? project : undefined
}

/** The projects that were named, else all. */
function asked() {
  const named = process.argv.slice(2).filter((word) => !word.startsWith('--'))
  return named.length > 0 ? named : readdirSync(join(root, 'examples'))
}

/** What `hb new contract` makes, with the package installed in it. */
function fresh(tarball) {
  const place = join(folder, 'fresh')
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), '{"private":true}')
  if (!step('npm', ['install', ...quiet, tarball], place)) return
  if (!step('npx', ['--no-install', 'hb', 'new', 'contract', 'counter'], place)) return
  const project = join(place, 'counter')
  if (!step('npm', ['install', ...quiet, '--save-dev', tarball], project)) return
  step('npm', ['run', '--silent', 'build'], project)
  tests('test', project)
}

async function main() {
  const tarball = pack()
  if (tarball === undefined) {
    sum.failed += 1
    return
  }
  const engine = await docker()
  if (engine === undefined) {
    console.log('The examples’ Kafka tests were left out: no Docker engine.')
    if (process.env.HB_REQUIRE_KAFKA === '1') sum.failed += 1
  }
  if (!process.argv.slice(2).some((word) => !word.startsWith('--'))) fresh(tarball)
  for (const example of asked()) {
    const project = install(example, tarball)
    if (project === undefined) continue
    step('npm', ['run', '--silent', 'typecheck'], project)
    // a project may have nothing to test without a broker
    const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
    if ('test' in scripts) tests('test', project)
    if (engine !== undefined) tests('test:kafka', project, engine)
  }
}

try {
  await main()
} catch (error) {
  console.error(error)
  sum.failed += 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${sum.passed} passed, ${sum.failed} failed`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0
