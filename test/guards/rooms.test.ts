// The import table as a test: the checkout keeps it, and every rule of it catches a planted
// violation. The table is written down here a second time, so that a slip in the configuration
// shows.

import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { plantTree } from './planted-tree.ts'
import type { PlantedTree } from './planted-tree.ts'
import { sourceFiles } from './source-files.ts'
import { ROOT, runTool } from './tool.ts'

const CRUISE = 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'
const MINUTES = 60_000
/** So that a run which finds nothing cannot pass. */
const MODULES_MIN = 60

type Cruise = {
  modules: { source: string }[]
  summary: { violations: { from: string; to: string; rule: { name: string } }[] }
}

async function cruise(dir: string): Promise<Cruise> {
  const config = `${ROOT}.dependency-cruiser.cjs`
  const run = await runTool(
    CRUISE,
    ['src', 'contracts', 'connectors', '--config', config, '--output-type', 'json'],
    dir,
  )
  if (run.stdout === '') throw new Error(run.stderr)
  return JSON.parse(run.stdout) as Cruise
}

test(
  'the whole checkout keeps the import table',
  async () => {
    const { modules, summary } = await cruise(ROOT)
    const findings = summary.violations.map(
      (seen) => `${seen.rule.name}: ${seen.from} → ${seen.to}`,
    )
    expect(findings.join('\n')).toBe('')
    const cruised = new Set(modules.map(({ source }) => source))
    const onDisk = sourceFiles().filter(({ path }) => /^(src|contracts|connectors)\/.*\.ts$/.test(path))
    expect(onDisk.filter(({ path }) => !cruised.has(path))).toEqual([])
    expect(onDisk.length).toBeGreaterThan(MODULES_MIN)
  },
  2 * MINUTES,
)

const ROLES = ['sequencer', 'dre', 'relayer', 'fisher', 'registry']
const UPPER = [
  ...['std', 'protocol', 'lib', 'store', 'log', 'archive', 'schemas', 'runtime'],
  ...['verifier', 'system'],
]
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(UPPER.map((room, index) => [room, UPPER.slice(0, index)])),
  ...Object.fromEntries(ROLES.map((role) => [role, UPPER])),
  lib: ['std', 'protocol'],
  replay: [...UPPER, ...ROLES],
  node: [...UPPER, ...ROLES, 'replay'],
  client: UPPER,
  testing: [...UPPER, ...ROLES, 'replay', 'node', 'client'],
  cli: [...UPPER, ...ROLES, 'replay', 'node', 'client', 'testing'],
}

describe('every pair of rooms', () => {
  const rooms = Object.keys(MAY_IMPORT)
  let tree: PlantedTree
  let refused: Set<string>

  beforeAll(async () => {
    const files: Record<string, string> = {
      'package.json': '{"type":"module"}',
      'contracts/a.ts': '',
      'connectors/a.ts': '',
    }
    for (const from of rooms) {
      files[`src/${from}/index.ts`] = 'export const value = 1\n'
      for (const to of rooms) {
        files[`src/${from}/to-${to}.ts`] =
          `import { value } from '../${to}/index.ts'\nexport const a = value\n`
      }
    }
    tree = plantTree(files, { copies: ['tsconfig.json'] })
    const { summary } = await cruise(tree.dir)
    refused = new Set(summary.violations.map(({ from }) => from))
  }, 2 * MINUTES)
  afterAll(() => tree.remove())

  test.each(rooms)('%s imports what it may, and nothing else', (from) => {
    const allowed = rooms.filter((to) => !refused.has(`src/${from}/to-${to}.ts`))
    const expected = rooms.filter((to) => to === from || MAY_IMPORT[from]?.includes(to))
    expect(allowed).toEqual(expected)
  })
})

/** rule → files that break it. */
const PLANTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'lib-is-small': { 'src/lib/node.ts': "export { hash } from 'node:crypto'" },
  'contracts-import-lib-only': {
    'contracts/far.ts': "export { value } from '../src/std/value.ts'",
  },
  'client-is-outside': { 'src/client/far.ts': "export { value } from '../node/index.ts'" },
  'src-imports-src': { 'src/dre/far.ts': "export { value } from '../../test/value.ts'" },
  'connectors-are-started-in-one-place': {
    'src/node/far.ts': "export { value } from '../../connectors/sink/index.ts'",
  },
  'connectors-by-their-door': {
    'src/cli/connectors.ts': "export { value } from '../../connectors/sink/inner.ts'",
  },
  'connectors-by-the-public-door': {
    'connectors/far.ts': "export { value } from '../src/std/value.ts'",
  },
  'rooms-are-listed': { 'src/dre/unlisted.ts': "export { value } from '../attic/index.ts'" },
  'rooms-by-their-door': { 'src/dre/window.ts': "export { value } from '../log/inner.ts'" },
  'cores-are-pure': { 'src/dre/core.ts': "export { hash } from 'node:crypto'" },
  'cores-have-no-ports': {
    'src/relayer/core.ts': "import type { Store } from '../store/port.ts'\nexport type A = Store",
  },
  'no-cycles': {
    'src/std/hen.ts': "import { egg } from './egg.ts'\nexport const hen = (): unknown => egg",
    'src/std/egg.ts': "import { hen } from './hen.ts'\nexport const egg = (): unknown => hen",
  },
  'no-orphans': { 'src/std/orphan.ts': 'export const a = 1' },
  'no-development-dependencies': { 'src/dre/tool.ts': "export { a } from 'dev-tool'" },
  'no-undeclared-packages': { 'src/dre/stray.ts': "export { a } from 'stray'" },
  'no-unresolvable': { 'src/dre/nowhere.ts': "export { a } from './not-there.ts'" },
  'vendor-jitl': { 'src/dre/vendor-jitl.ts': "export { a } from '@jitl/x'" },
  'vendor-quickjs-emscripten': {
    'src/dre/vendor-quickjs.ts': "export { a } from 'quickjs-emscripten'",
  },
  'vendor-opentelemetryapi': {
    'src/dre/vendor-opentelemetry.ts': "export { a } from '@opentelemetry/api'",
  },
  'vendor-kafkajsconfluent-schema-registry': {
    'src/log/vendor-schemas.ts': "export { a } from '@kafkajs/confluent-schema-registry'",
  },
  'vendor-arweave': { 'src/dre/vendor-arweave.ts': "export { a } from 'arweave'" },
  'vendor-avsc': { 'src/dre/vendor-avsc.ts': "export { a } from 'avsc'" },
  'vendor-bignumberjs': { 'src/dre/vendor-bignumber.ts': "export { a } from 'bignumber.js'" },
  'vendor-commander': { 'src/dre/vendor-commander.ts': "export { a } from 'commander'" },
  'vendor-esbuild': { 'src/dre/vendor-esbuild.ts': "export { a } from 'esbuild'" },
  'vendor-fastify': { 'src/dre/vendor-fastify.ts': "export { a } from 'fastify'" },
  'vendor-kafkajs': { 'src/dre/vendor-kafkajs.ts': "export { a } from 'kafkajs'" },
  'vendor-prom-client': {
    'src/dre/vendor-prom-client.ts': "export { a } from 'prom-client'",
  },
  'vendor-lmdb': { 'src/dre/vendor-lmdb.ts': "export { a } from 'lmdb'" },
}

const SCENERY: Readonly<Record<string, string>> = {
  'src/std/value.ts': 'export const value = 1',
  'src/node/index.ts': 'export const value = 1',
  'src/attic/index.ts': 'export const value = 1',
  'src/log/inner.ts': 'export const value = 1',
  'src/store/port.ts': 'export type Store = { get(): void }',
  'test/value.ts': 'export const value = 1',
  'connectors/sink/index.ts': 'export const value = 1',
  'connectors/sink/inner.ts': 'export const value = 1',
}

const DECLARED = [
  '@jitl/x',
  'quickjs-emscripten',
  'avsc',
  'commander',
  'esbuild',
  'fastify',
  'kafkajs',
  'lmdb',
]

function packages(): Record<string, string> {
  const files: Record<string, string> = {}
  for (const name of [...DECLARED, 'dev-tool', 'stray']) {
    const manifest = { name, version: '1.0.0', type: 'module', exports: './index.js' }
    files[`node_modules/${name}/package.json`] = JSON.stringify(manifest)
    files[`node_modules/${name}/index.js`] = 'export const a = 1'
  }
  files['package.json'] = JSON.stringify({
    type: 'module',
    dependencies: Object.fromEntries(DECLARED.map((name) => [name, '1.0.0'])),
    devDependencies: { 'dev-tool': '1.0.0' },
  })
  return files
}

describe('a planted violation is caught by', () => {
  let tree: PlantedTree
  let violations: Cruise['summary']['violations']

  beforeAll(async () => {
    const planted = Object.assign({}, ...Object.values(PLANTED)) as Record<string, string>
    const files = { ...SCENERY, ...packages(), ...planted }
    tree = plantTree(files, { copies: ['tsconfig.json'], modules: false })
    violations = (await cruise(tree.dir)).summary.violations
  }, 2 * MINUTES)
  afterAll(() => tree.remove())

  test.each(Object.keys(PLANTED))('%s', (rule) => {
    const files = Object.keys(PLANTED[rule] ?? {})
    const seen = violations.filter(({ from }) => files.includes(from))
    expect(seen.map((violation) => violation.rule.name)).toContain(rule)
  })

  test('every rule has a planted violation here, or is one of the pairs above', () => {
    const config = createRequire(import.meta.url)(`${ROOT}.dependency-cruiser.cjs`) as {
      forbidden: { name: string }[]
    }
    const names = config.forbidden.map(({ name }) => name)
    expect(names.filter((name) => !(name in PLANTED) && !/^rooms-[a-z]+$/.test(name))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })
})
