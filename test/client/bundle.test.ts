// The bundler: one body without wrappers, the same text anywhere, and refusals with a code.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileFunction } from 'node:vm'

import { afterAll, describe, expect, test } from '@jest/globals'

import { bundleContract } from '../../src/client/bundle.ts'
import type { Handle } from '../../src/lib/index.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { Network, idOf } from '../contracts/network.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'hb-bundle-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(scratch, name)
  writeFileSync(path, text)
  return path
}

/** As the sandbox does: the source is the body of a strict function of (module, exports). */
function handleOf(source: string): Handle<never> {
  const module = { exports: {} as { handle?: Handle<never> } }
  const body = compileFunction(`'use strict';${source}`, ['module', 'exports'])
  body(module, module.exports)
  return module.exports.handle as Handle<never>
}

describe('bundleContract', () => {
  test.each(['token', 'hyper-coin', 'asset', 'ucm'])('%s becomes one body without wrappers', async (name) => {
    const { source, hash } = await bundleContract(join(ROOT, 'contracts', name, 'contract.ts'))
    expect(hash).toBe(toBase64Url(sha256(Buffer.from(source))))
    expect(source).not.toMatch(/__commonJS|__toCommonJS|__esm|import |export |require\(|HOLLOWBEAM/)
    expect(source).not.toContain('src/lib')
    expect(typeof handleOf(source)).toBe('function')
  })

  test('migrate is exported where the contract has it, from wherever', async () => {
    const exportsOf = (source: string): string[] => {
      const module = { exports: {} }
      compileFunction(`'use strict';${source}`, ['module', 'exports'])(module, module.exports)
      return Object.keys(module.exports).sort()
    }
    const handle = 'export const handle = () => ({ state: { migrate: 1 } })\n'
    const bare = await bundleContract(file('bare.ts', handle.replace('migrate', 'other')))
    const named = await bundleContract(file('named.ts', handle))
    // the text is that of before there was anything to migrate
    expect(named.source).toBe(bare.source.replace('other', 'migrate'))
    expect(exportsOf(named.source)).toEqual(['handle'])
    const both = `${handle}export const migrate = (state: { n: number }) => { state.n = 1 }`
    file('both.ts', both)
    const again = file('again.ts', "export * from './both.ts'")
    const common = file('common.cjs', 'exports.handle = () => ({}); exports.migrate = () => ({})')
    for (const path of [file('direct.ts', both), again, common]) {
      const { source } = await bundleContract(path)
      expect(exportsOf(source)).toEqual(['handle', 'migrate'])
      expect(source).not.toMatch(/HOLLOWBEAM/)
    }
    await expect(bundleContract(file('only.ts', 'export const migrate = 1'))).rejects.toMatchObject({
      code: 'bundle-no-handle',
    })
  })

  test('a bundled token works as its source does', async () => {
    const { source } = await bundleContract(join(ROOT, 'contracts/token/contract.ts'))
    const network = new Network()
    const [from, to] = [idOf('from'), idOf('to')]
    const token = network.spawn('token', handleOf(source), { balances: { [from]: '5' } })
    const tags = { Action: 'Transfer', Recipient: to, Quantity: '2' }
    expect(network.send(from, token, tags).sent).toHaveLength(2)
    expect(network.state<{ balances: object }>(token).balances).toEqual({ [from]: '3', [to]: '2' })
  })

  test('hollowbeam/lib is the HB lib, from any place, in TypeScript or JavaScript', async () => {
    const text = `import { add } from 'hollowbeam/lib'
export const handle = (state) => ({ state: add(state, '1') })
`
    const typed = text.replace('(state)', '(state: string)')
    const one = await bundleContract(file('one.ts', typed))
    const two = await bundleContract(file('two.js', text))
    expect(two).toEqual(one)
    expect(handleOf(one.source)('41' as never, {} as never)).toEqual({ state: '42' })
    expect(one.source).not.toContain('requests-full')
  })

  test('the text does not depend on where the files lie', async () => {
    const here = join(scratch, 'somewhere/else')
    mkdirSync(here, { recursive: true })
    cpSync(join(ROOT, 'contracts'), join(here, 'contracts'), { recursive: true })
    cpSync(join(ROOT, 'src/lib'), join(here, 'src/lib'), { recursive: true })
    const there = await bundleContract(join(here, 'contracts/ucm/contract.ts'))
    expect(there).toEqual(await bundleContract(join(ROOT, 'contracts/ucm/contract.ts')))
    expect(there.source).not.toContain('somewhere')
  })

  test.each([
    ['no-handle.ts', 'export const handler = 1', 'bundle-no-handle'],
    ['node.ts', "import { readFileSync } from 'node:fs'\nexport const handle = readFileSync", 'bundle-import-refused'],
    ['bare.ts', "import fs from 'fs'\nexport const handle = fs", 'bundle-import-refused'],
    ['url.ts', "import a from 'https://example.org/a.js'\nexport const handle = a", 'bundle-import-refused'],
    ['absent.ts', "import a from './not-there.ts'\nexport const handle = a", 'bundle-failed'],
    ['syntax.ts', 'export function handle( {', 'bundle-failed'],
    ['await.ts', 'await 1\nexport const handle = 1', 'bundle-failed'],
  ])('%s is refused', async (name, text, code) => {
    await expect(bundleContract(file(name, text))).rejects.toMatchObject({ code })
  })

  test('a file that is not there, or is a folder, is refused', async () => {
    for (const path of [join(scratch, 'none.ts'), scratch]) {
      await expect(bundleContract(path)).rejects.toMatchObject({ code: 'bundle-file-missing' })
    }
  })

  test('a fault in the contract is shown with its place, not the machine path', async () => {
    const bad = file('bad.ts', '\nexport function handle( {')
    const seen = await bundleContract(bad).catch((error: unknown) => error)
    expect((seen as Error).message).toMatch(/bad\.ts:\d+: /)
    expect((seen as Error).message).not.toContain(scratch)
  })
})
