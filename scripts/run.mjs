// Set-up, then run: makes sure that node_modules is what package-lock.json asks for, then hands
// over to the Node that comes with it. Runs on Node 20 and up, needs nothing installed.
//
// Invariants:
//   U1  stdout belongs to the command alone; whatever set-up has to say goes to stderr.
//   U2  set-up keeps no state of its own: it compares the lock file with what npm recorded and with
//       what is on disk, so a partial, damaged or outdated node_modules is seen, and an install
//       made by hand is accepted.
//   U3  exit code and signals of the command are passed on unchanged.

import { spawn, spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const WINDOWS = process.platform === 'win32'
const LOOK_AGAIN_MS = 200
/** Between making the lock and naming its holder in it. */
const LOCK_WRITE_MS_MAX = 5_000

/**
 * Why an install is needed, in a few words; undefined where node_modules is complete.
 * Optional packages (other platforms' binaries) count only where npm recorded them as installed.
 */
export function whyInstall(root) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const installed = readPackages(join(root, 'node_modules/.package-lock.json'))
  if (wanted === undefined) return undefined
  if (installed === undefined) {
    return existsSync(join(root, 'node_modules'))
      ? 'node_modules is incomplete'
      : 'this is a fresh clone'
  }
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue
    const found = installed[path]
    if (found === undefined && entry.optional !== true && entry.devOptional !== true) {
      return `${path} is not installed`
    }
    if (found !== undefined && found.integrity !== entry.integrity)
      return `${path} has another version`
  }
  for (const path of Object.keys(installed)) {
    if (!existsSync(join(root, path, 'package.json'))) return `${path} is missing`
  }
  return isProgram(nodeOf(root)) ? undefined : 'its Node is missing'
}

/** The Node binary among the development dependencies. */
export function nodeOf(root) {
  return join(root, 'node_modules/node/bin', WINDOWS ? 'node.exe' : 'node')
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).size > 1_000_000
  } catch {
    return false
  }
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function install(root, reason) {
  const count = Object.keys(readPackages(join(root, 'package-lock.json'))).length
  say(`set-up: ${reason}, so running "npm ci" (${count} packages listed, about half a minute) …`)
  // Whatever npm was told for the outer command (silence, production only, no scripts) must not
  // leak into this one.
  const flags = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const npm = process.env.npm_execpath
  const byNpm = npm !== undefined && /npm-cli\.c?js$/.test(npm)
  const started = performance.now()
  const run = spawnSync(byNpm ? process.execPath : 'npm', byNpm ? [npm, ...flags] : flags, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, npm_config_ignore_scripts: 'false' },
    maxBuffer: 64 * 1024 * 1024,
    shell: !byNpm && WINDOWS,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (run.status !== 0) {
    say(
      [run.stdout, run.stderr, run.error]
        .filter((part) => part !== undefined)
        .join('\n')
        .trim(),
    )
    throw new Error(
      '"npm ci" failed (its output is above): mend that, then give the same command again',
    )
  }
  const left = whyInstall(root)
  if (left !== undefined) throw new Error(`"npm ci" ended well, and still ${left}`)
  say(`set-up: done in ${Math.round((performance.now() - started) / 1000)} s`)
}

/**
 * Two commands started at once in a fresh clone must not install over each other: the second one
 * waits, and then looks again.
 */
function installOnce(root, reason) {
  const lock = join(root, '.set-up-running')
  let told = false
  while (!takeLock(lock)) {
    if (!told) say('set-up: another command is installing; waiting for it …')
    told = true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS)
  }
  try {
    const still = told ? whyInstall(root) : reason
    if (still !== undefined) install(root, still)
  } finally {
    rmSync(lock, { force: true })
  }
}

/**
 * The lock is a file that names the OS process that holds it; one whose holder is gone (killed, or
 * stopped with Ctrl-C) is taken over.
 */
export function takeLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const stats = statSync(lock, { throwIfNoEntry: false })
  if (stats === undefined) return false
  const holder = Number(readText(lock))
  const justMade = Date.now() - stats.mtimeMs < LOCK_WRITE_MS_MAX
  if (!isAlive(holder) && !(holder === 0 && justMade)) rmSync(lock, { force: true })
  return false
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function isAlive(pid) {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function handOver(root, args) {
  const bin = join(root, 'node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }
  const child = spawn(nodeOf(root), args, { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole foreground group: the child has it already.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    say(`cannot start ${nodeOf(root)}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function main() {
  const root = fileURLToPath(new URL('../', import.meta.url))
  const reason = whyInstall(root)
  try {
    if (reason !== undefined) installOnce(root, reason)
  } catch (error) {
    say(`set-up failed: ${error.message}`)
    process.exit(1)
  }
  handOver(root, process.argv.slice(2))
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) main()
