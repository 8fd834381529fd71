// docker-compose.kafka.yml and the Dockerfile, as a user would run them: brings Kafka up from that
// very file and runs `hb demo` of this checkout against it; builds the image, brings the nodes up,
// runs the demo among them, and kills one. Needs a Docker engine, which is brought up where none
// answers, and compose, which is installed where it is missing (Debian, root).
//
// Where images cannot be pulled, the broker's and the one with Node are built on this machine
// (test/support/*-image.sh); the schema registry is left out then, and that is said.
//
// Invariants: C1 the project has a name and ports of its own, and nothing of it is left. C2 the
// last line on stdout is "N passed, N failed"; each check is one test.

import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const FILE = 'docker-compose.kafka.yml'
const PROJECT = `hb-compose-${process.pid}`
const NODE_IMAGE = 'node:24-slim'
const LOCAL_NODE_IMAGE = 'hollowbeam/node:24'
const REGISTRY_IMAGE = 'confluentinc/cp-schema-registry:8.1.0'
const UP_MS_MAX = 180_000
const sum = { passed: 0, failed: 0 }

/** Runs to the end; stderr is shown. */
function run(program, args, env = {}) {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 2] }
  const ended = spawnSync(program, args, { ...options, env: { ...process.env, ...env } })
  return { ok: ended.status === 0, output: ended.stdout ?? '' }
}

function quietly(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0
}

async function check(name, what) {
  const begun = performance.now()
  let failure
  try {
    const found = await what()
    if (found !== true) failure = found === false ? 'no' : found
  } catch (error) {
    failure = error
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  if (failure === undefined) {
    sum.passed += 1
    console.log(`✔ ${name} (${seconds} s)`)
  } else {
    sum.failed += 1
    console.log(`✖ ${name} (${seconds} s):`, failure)
  }
  return failure === undefined
}

/** The command that understands compose files here. */
function findCompose() {
  if (quietly('docker', ['compose', 'version'])) return ['docker', ['compose']]
  if (quietly('docker-compose', ['--version'])) return ['docker-compose', []]
  console.error('installing docker-compose …')
  const install = ['install', '-y', '-qq', '--no-install-recommends', 'docker-compose']
  if (!quietly('apt-get', ['update', '-qq']) || !quietly('apt-get', install)) return undefined
  return ['docker-compose', []]
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

/** From the hub where there is one, else built here. */
async function images() {
  const { kafkaImage } = await import('../test/support/docker-kafka.ts')
  const env = { KAFKA_IMAGE: await kafkaImage() }
  const hasImage = (image) =>
    quietly('docker', ['image', 'inspect', image]) || quietly('docker', ['pull', '-q', image])
  env.hasRegistry = hasImage(REGISTRY_IMAGE)
  if (hasImage(NODE_IMAGE)) return { ...env, NODE_IMAGE }
  console.log(`${NODE_IMAGE} cannot be pulled: the image is built on this machine’s own Node.`)
  const script = 'test/support/node-image.sh'
  if (!run(script, [process.execPath, LOCAL_NODE_IMAGE]).ok) throw new Error(`${script} failed`)
  return { ...env, NODE_IMAGE: LOCAL_NODE_IMAGE }
}

/** Until it holds, or for so long. */
async function until(what, withinMs = UP_MS_MAX) {
  for (const end = performance.now() + withinMs; performance.now() < end; ) {
    const found = await what()
    if (found) return true
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return false
}

class Project {
  constructor([program, first], env) {
    this.program = program
    this.first = [...first, '-p', PROJECT, '-f', FILE]
    this.env = env
  }

  compose(...args) {
    return run(this.program, [...this.first, ...args], this.env)
  }

  container(service) {
    return this.compose('ps', '-q', service).output.trim()
  }

  isHealthy(service) {
    const format = ['inspect', '--format', '{{.State.Health.Status}}', this.container(service)]
    return run('docker', format).output.trim() === 'healthy'
  }

  async up(...services) {
    if (!this.compose('up', '-d', '--no-build', ...services).ok) return 'it does not start'
    const isUp = await until(() => services.every((service) => this.isHealthy(service)))
    return isUp || this.compose('logs', '--tail=40', ...services).output
  }

  /** What listens on this machine, as `address:port`. */
  published() {
    const names = ['ps', '--filter', `label=com.docker.compose.project=${PROJECT}`]
    const ports = run('docker', [...names, '--format', '{{.Ports}}']).output
    return [...ports.matchAll(/(\S+:\d+)->/g)].map(([, address]) => address)
  }
}

function isDemoOk({ ok, output }) {
  const line = output.trim().split('\n').at(-1) ?? ''
  return (ok && JSON.parse(line).ok === true) || `the demo ended with: ${output}`
}

/** Every partition is open at this node alone. */
async function servesAll(port) {
  try {
    const { ready, partitions } = await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()
    const isOpen = ({ sequencer, dre, relayer }) =>
      [sequencer, dre, relayer].every((held) => held === 'open')
    return ready && partitions.every(isOpen)
  } catch {
    return false
  }
}

async function kafkaChecks(project) {
  if (!(await check('the file is valid', () => project.compose('config', '-q').ok))) return false
  if (!(await check('Kafka comes up from it', () => project.up('kafka')))) return false
  const { KAFKA_PORT } = project.env
  return check('hb demo of this checkout runs on it', () => {
    const args = ['src/cli/main.ts', 'demo', '--json', '--bootstrap-server']
    return isDemoOk(run(process.execPath, [...args, `127.0.0.1:${KAFKA_PORT}`]))
  })
}

async function nodeChecks(project) {
  const { HB_PORT_2, HB_IMAGE } = project.env
  if (!(await check('the image is built', () => project.compose('build', 'hb').ok))) return
  await check('nothing in it runs as root', () => {
    const id = ['run', '--rm', '--entrypoint', 'node', HB_IMAGE, '-p', 'process.getuid()']
    return run('docker', id).output.trim() === '1000'
  })
  if (!(await check('both nodes are ready', () => project.up('hb1', 'hb2')))) return
  await check('the demo runs among them', () => {
    const demo = ['demo', '--json', '--bootstrap-server', 'kafka:19092']
    return isDemoOk(project.compose('run', '--rm', 'demo', ...demo))
  })
  await check('only 127.0.0.1 is published', () => {
    const published = project.published()
    const others = published.filter((address) => !address.startsWith('127.0.0.1:'))
    return (published.length >= 3 && others.length === 0) || published
  })
  await check('one node is killed, the other takes over', () => {
    run('docker', ['update', '--restart=no', project.container('hb1')])
    run('docker', ['kill', project.container('hb1')])
    return until(() => servesAll(HB_PORT_2), 60_000)
  })
}

async function main() {
  if (!quietly(`${root}test/support/docker-up.sh`, [])) throw new Error('there is no Docker engine')
  const compose = findCompose()
  if (compose === undefined) throw new Error('there is no compose, and none can be installed')
  const { hasRegistry, ...chosen } = await images()
  const env = { ...chosen, HB_IMAGE: `${PROJECT}:test` }
  for (const port of ['KAFKA_PORT', 'SCHEMA_REGISTRY_PORT', 'HB_PORT', 'HB_PORT_2']) {
    env[port] = await freePort()
  }
  const project = new Project(compose, env)
  try {
    if (!(await kafkaChecks(project))) return
    const registry = () => project.up('schema-registry')
    if (hasRegistry) await check('the schema registry comes up', registry)
    else console.log('Not checked: the schema registry, whose image cannot be pulled here.')
    await nodeChecks(project)
  } finally {
    project.compose('down', '--volumes', '--remove-orphans')
    quietly('docker', ['rmi', env.HB_IMAGE])
  }
}

try {
  await main()
} catch (error) {
  console.error(error)
  sum.failed += 1
}
console.log(`${sum.passed} passed, ${sum.failed} failed`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0
