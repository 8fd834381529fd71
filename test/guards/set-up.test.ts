// The set-up script sees whether node_modules is what the lock file asks for, and passes the
// command's life through.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { nodeOf, takeLock, whyInstall } from '../../scripts/run.mjs'
import { countTests } from '../../scripts/test.mjs'
import { plantTree } from './planted-tree.ts'
import type { PlantedTree } from './planted-tree.ts'
import { ROOT, runTool } from './tool.ts'

const LOCK = {
  '': { name: 'x' },
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/b-win32': { version: '1.0.0', integrity: 'sha512-b', optional: true },
}
const INSTALLED = { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } }

let tree: PlantedTree | undefined
afterEach(() => tree?.remove())

function plantInstalled(packages: object): string {
  const files = {
    'package-lock.json': JSON.stringify({ packages: LOCK }),
    'node_modules/.package-lock.json': JSON.stringify({ packages }),
    'node_modules/a/package.json': '{}',
    'node_modules/node/bin/node': ' '.repeat(1_000_001),
  }
  tree = plantTree(files, { modules: false })
  chmodSync(nodeOf(tree.dir), 0o755)
  return tree.dir
}

describe('an install is needed', () => {
  test('in a fresh clone', () => {
    const dir = plantInstalled(INSTALLED)
    rmSync(join(dir, 'node_modules'), { recursive: true })
    expect(whyInstall(dir)).toBe('this is a fresh clone')
  })

  test('after one that was cut off', () => {
    const dir = plantInstalled(INSTALLED)
    rmSync(join(dir, 'node_modules/.package-lock.json'))
    expect(whyInstall(dir)).toBe('node_modules is incomplete')
  })

  test('when the record of npm is torn', () => {
    const dir = plantInstalled(INSTALLED)
    writeFileSync(join(dir, 'node_modules/.package-lock.json'), '{"packages":{')
    expect(whyInstall(dir)).toBe('node_modules is incomplete')
  })

  test('when a package is missing from the record, or from the disk', () => {
    expect(whyInstall(plantInstalled({}))).toBe('node_modules/a is not installed')
    tree?.remove()
    const dir = plantInstalled(INSTALLED)
    rmSync(join(dir, 'node_modules/a'), { recursive: true })
    expect(whyInstall(dir)).toBe('node_modules/a is missing')
  })

  test('when the lock file moved on', () => {
    const dir = plantInstalled({ 'node_modules/a': { version: '0.9.0', integrity: 'sha512-old' } })
    expect(whyInstall(dir)).toBe('node_modules/a has another version')
  })

  test('when the Node that comes with it is missing or a stub', () => {
    const dir = plantInstalled(INSTALLED)
    writeFileSync(nodeOf(dir), 'not a program')
    expect(whyInstall(dir)).toBe('its Node is missing')
  })
})

test('no install is needed where all is there; other platforms’ packages may be absent', () => {
  expect(whyInstall(plantInstalled(INSTALLED))).toBeUndefined()
  const both = { ...INSTALLED, 'node_modules/b-win32': LOCK['node_modules/b-win32'] }
  tree?.remove()
  const dir = plantInstalled(both)
  expect(whyInstall(dir)).toBe('node_modules/b-win32 is missing')
  mkdirSync(join(dir, 'node_modules/b-win32'))
  writeFileSync(join(dir, 'node_modules/b-win32/package.json'), '{}')
  expect(whyInstall(dir)).toBeUndefined()
})

test('stdout is the command’s alone, and its exit code comes through', async () => {
  const run = await runTool('scripts/run.mjs', ['--print', '"one line"'])
  expect(run).toEqual({ code: 0, stdout: 'one line\n', stderr: '' })
  expect((await runTool('scripts/run.mjs', ['--eval', 'process.exit(7)'])).code).toBe(7)
})

test('the command runs on the Node of package.json', async () => {
  const run = await runTool('scripts/run.mjs', ['--print', 'process.versions.node'], ROOT)
  expect(run.stdout).toMatch(/^24\./)
})

test('a signal reaches the command, and its answer comes back', async () => {
  const command =
    "process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000); console.log('up')"
  const run = spawn(process.execPath, [`${ROOT}scripts/run.mjs`, '--eval', command])
  await once(run.stdout, 'data')
  run.kill('SIGTERM')
  expect(await once(run, 'close')).toEqual([3, null])
})

test('a command that a signal ends ends the script the same way', async () => {
  const command = "setInterval(() => {}, 1000); console.log('up')"
  const run = spawn(process.execPath, [`${ROOT}scripts/run.mjs`, '--eval', command])
  await once(run.stdout, 'data')
  run.kill('SIGTERM')
  expect(await once(run, 'close')).toEqual([null, 'SIGTERM'])
})

describe('the lock of set-up', () => {
  test('is had by one at a time', () => {
    tree = plantTree({}, { modules: false })
    const lock = join(tree.dir, 'lock')
    expect([takeLock(lock), takeLock(lock)]).toEqual([true, false])
  })

  test('is taken over from a holder that is gone', async () => {
    const gone = spawn(process.execPath, ['--version'])
    await once(gone, 'close')
    tree = plantTree({ lock: String(gone.pid) }, { modules: false })
    const lock = join(tree.dir, 'lock')
    expect([takeLock(lock), takeLock(lock)]).toEqual([false, true])
  })
})

describe('the count of tests', () => {
  test('adds suites that could not run to the failures', () => {
    const report = { numPassedTests: 3, numFailedTests: 1, numRuntimeErrorTestSuites: 2 }
    expect(countTests(report)).toEqual({ passed: 3, failed: 3 })
  })

  test('is a failure when nothing ran', () => {
    const report = { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0 }
    expect(countTests(report)).toEqual({ passed: 0, failed: 1 })
  })
})
