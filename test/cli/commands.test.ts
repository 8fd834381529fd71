import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { EXIT_HELP } from '../../src/cli/exit-codes.ts'
import { startHttp, type HttpServer } from '../../src/node/http/index.ts'
import { FakeNode } from '../node/http/fake-node.ts'
import { hb } from './terminal-double.ts'

const NOBODY = 'A'.repeat(43)

let folder: string
let wallet: string
let node: FakeNode
let server: HttpServer
let env: Record<string, string>
let echo: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hb-cli-'))
  wallet = join(folder, 'me.json')
  expect((await hb(['keys', 'generate', '--out', wallet])).code).toBe(0)
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

beforeEach(async () => {
  node = new FakeNode()
  echo = node.network.processIds.get('echo') as string
  server = await startHttp({ api: node })
  env = { HB_URL: server.url, HB_WALLET: wallet }
})

afterEach(async () => {
  await server.close()
})

function json(lines: string[]): Record<string, unknown> {
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>
}

describe('help', () => {
  const COMMANDS = [
    ['demo'],
    ['start'],
    ['keys', 'generate'],
    ['keys', 'show'],
    ['spawn'],
    ['send'],
    ['dry-run'],
    ['upgrade'],
    ['result'],
    ['state'],
    ['diff'],
    ['log', 'tail'],
    ['replay'],
    ['rebuild'],
  ]

  test('names every command and every exit code', async () => {
    const { code, out } = await hb(['--help'])
    expect(code).toBe(0)
    for (const [name = ''] of COMMANDS)
      expect(out.join('\n')).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
    expect(out.join('\n')).toContain(EXIT_HELP)
  })

  test.each(COMMANDS)('%s %s teaches by examples, and has --json', async (...words) => {
    const { code, out } = await hb([...words.filter((one) => typeof one === 'string'), '--help'])
    expect(code).toBe(0)
    expect(out.join('\n')).toContain('Examples:')
    expect(out.join('\n')).toContain('--json')
  })

  test.each([
    [[]],
    [['nonsense']],
    [['send']],
    [['send', 'x', '--wait', 'soon']],
    [['log', 'tail', '--from', '-1']],
    [['send', 'echo', '--tag', 'novalue']],
    [['start', '--port', '70000']],
    [['result', 'x', '--timeout', 'long']],
    [['start', '--mint', 'me=1']],
    [['keys', 'generate', '--type', 'dsa']],
  ])('%j is usage: 2', async (args) => {
    const { code, out, err } = await hb(args, env)
    expect(code).toBe(2)
    expect(out).toEqual([])
    expect(err.join('\n')).not.toBe('')
  })
})

describe('keys', () => {
  test('a file for its owner only, never overwritten, and no secret on the screen', async () => {
    for (const type of ['ed25519', 'rsa']) {
      const file = join(folder, `${type}.json`)
      const made = await hb(['keys', 'generate', '--type', type, '--out', file, '--json'])
      const shown = json(made.out)
      expect(shown).toMatchObject({ ok: true, kind: type, file })
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      const text = await readFile(file, 'utf8')
      const secrets = Object.entries(JSON.parse(text) as Record<string, string>).filter(([key]) =>
        /^(d|p|q|dp|dq|qi)$/.test(key),
      )
      expect(secrets.length).toBeGreaterThan(0)
      const again = await hb(['keys', 'generate', '--out', file])
      expect([again.code, await readFile(file, 'utf8')]).toEqual([2, text])
      const show = await hb(['keys', 'show', file])
      expect(show.out.join()).toContain(shown['address'] as string)
      const printed = [made, again, show].flatMap(({ out, err }) => [...out, ...err]).join()
      for (const [, secret] of secrets) expect(printed).not.toContain(secret)
    }
  })

  test('a wallet from the environment; none, not there, not one', async () => {
    expect(json((await hb(['keys', 'show', '--json'], env)).out)).toMatchObject({ kind: 'ed25519' })
    expect((await hb(['keys', 'show'])).code).toBe(2)
    expect((await hb(['keys', 'show', join(folder, 'none.json')])).err.join()).toContain(
      'file-unreadable',
    )
    const file = join(folder, 'not.json')
    await writeFile(file, '{"kty":"RSA","d":"secretsecret"}')
    const { code, err } = await hb(['keys', 'show', file])
    expect(code).toBe(1)
    expect(err.join()).not.toContain('secretsecret')
  })
})

describe('send and result', () => {
  test('by the name of a genesis process; for people and for programs', async () => {
    const shown = await hb(
      ['send', 'echo', '--action', 'Ping', '--tag', 'X-A=b=c', '--data', 'text'],
      env,
    )
    expect(shown.code).toBe(0)
    expect(shown.out.join('\n')).toMatch(/^status\s+ok$/m)
    expect(node.accepted[0]?.tags.slice(0, 2)).toEqual([
      { name: 'Action', value: 'Ping' },
      { name: 'X-A', value: 'b=c' },
    ])
    const result = await hb(['result', node.accepted[0]?.id ?? '', '--json'], env)
    expect([result.code, json(result.out)]).toMatchObject([
      0,
      { ok: true, stage: 'evaluated', result: { slot: 0 } },
    ])
  })

  test('input from a file, data from a file, an expiry', async () => {
    const file = join(folder, 'input.json')
    await writeFile(file, '{"b":1,"a":2}')
    await hb(['send', echo, '--input', `@${file}`], env)
    await hb(['send', echo, '--data-file', file, '--expires-in', '100'], env)
    expect(node.accepted.map((one) => Buffer.from(one.data).toString())).toEqual([
      '{"b":1,"a":2}',
      '{"b":1,"a":2}',
    ])
    expect(node.accepted.map((one) => one.tags.some((tag) => tag.name === 'Content-Type'))).toEqual(
      [true, false],
    )
    expect((node.accepted[1]?.expires ?? 0) - Date.now()).toBeGreaterThan(90_000)
    expect((await hb(['send', echo, '--data', 'x', '--input', '1'], env)).code).toBe(2)
    expect((await hb(['send', echo, '--input', '{"a":1,"a":2}'], env)).code).toBe(2)
  })

  test('an error result is exit code 1, and what a contract says does not drive the terminal', async () => {
    const { code, out } = await hb(['send', 'echo', '--tag', 'Fail=\u001b[2Jgone\nstatus ok'], env)
    expect(code).toBe(1)
    expect(out.join('\n')).toContain('contract-error: \\u001b[2Jgone\\nstatus ok')
    expect(out.join('\n')).not.toContain('\u001b')
  })

  test('not finished in time is 4, refused is 1, accepted is 0', async () => {
    node.automatic = false
    const late = await hb(['send', 'echo', '--timeout', '0.05', '--json'], env)
    expect([late.code, json(late.out)]).toMatchObject([4, { ok: false, stage: 'pending' }])
    const sent = await hb(['send', 'echo', '--wait', 'none', '--json'], env)
    const { id } = json(sent.out) as { id: string }
    expect([sent.code, (await hb(['result', id, '--wait', 'none'], env)).code]).toEqual([0, 0])
    node.refuse(id)
    expect((await hb(['result', id], env)).code).toBe(1)
  })

  test('errors are codes on stderr, or one object on stdout', async () => {
    const shown = await hb(['send', 'nobody'], env)
    expect([shown.code, shown.out]).toEqual([2, []])
    expect(shown.err[0]).toContain('id-malformed')
    expect(shown.err[0]).toContain('echo')
    const { code, out, err } = await hb(['result', NOBODY, '--timeout', '0.05', '--json'], env)
    expect([code, json(out), err]).toMatchObject([
      1,
      { ok: false, error: { code: 'message-unknown' } },
      [],
    ])
  })

  test('a node that is not there is 3', async () => {
    await server.close()
    for (const args of [
      ['send', 'echo'],
      ['state', 'echo'],
      ['result', NOBODY],
      ['log', 'tail'],
    ]) {
      expect((await hb(args, env)).code).toBe(3)
    }
    expect((await hb(['state', 'echo', '--url', 'nonsense'])).code).toBe(2)
  })
})

describe('spawn', () => {
  test('bundles the file and sends it with its state', async () => {
    const file = join(folder, 'counter.ts')
    await writeFile(
      file,
      'type S = { n: number }\nexport function handle(state: S) { state.n++; return {} }\n',
    )
    const { code, out } = await hb(['spawn', file, '--state', '{"n":5}', '--json'], env)
    expect([code, json(out)]).toMatchObject([0, { ok: true, process: node.accepted[0]?.id }])
    const data = JSON.parse(Buffer.from(node.accepted[0]?.data ?? []).toString()) as {
      source: string
      state: unknown
    }
    expect(data.state).toEqual({ n: 5 })
    expect(data.source).toContain('exports.handle')
  })

  test('sends a SmartWeave contract as it was published', async () => {
    const file = join(folder, 'pst.js')
    const source = '// as it was published\nexport async function handle(state) { return { state } }\n'
    await writeFile(file, source)
    const { code, out } = await hb(['spawn', file, '--engine', 'smartweave', '--json'], env)
    expect([code, json(out)]).toMatchObject([0, { ok: true }])
    const data = JSON.parse(Buffer.from(node.accepted[0]?.data ?? []).toString()) as unknown
    expect(data).toEqual({ source, state: {}, engine: 'smartweave' })
  })

  test('no such file, no object as state, no such engine', async () => {
    expect((await hb(['spawn', join(folder, 'none.ts')], env)).code).toBe(1)
    const none = ['spawn', join(folder, 'none.js'), '--engine']
    expect((await hb([...none, 'smartweave'], env)).code).toBe(1)
    expect((await hb([...none, 'wasm'], env)).code).toBe(2)
    expect((await hb(['spawn', join(folder, 'none.ts'), '--state', '[]'], env)).code).toBe(2)
    expect(node.accepted).toEqual([])
  })
})

describe('state and log', () => {
  test('the state: laid out, as it is, and in an envelope that keeps its bytes', async () => {
    const text = node.states.get(echo) ?? ''
    expect((await hb(['state', 'echo', '--raw'], env)).out).toEqual([text])
    const enveloped = await hb(['state', echo, '--json'], env)
    expect(enveloped.out[0]).toContain(`"state":${text}}`)
    expect(json(enveloped.out)).toMatchObject({ process: echo, slot: 3, stateHash: 'hash-of-it' })
    const shown = await hb(['state', 'echo'], env)
    // the letters as they are, the character that turns the line around as an escape
    expect(shown.out.join('\n')).toBe('{\n  "b": 1,\n  "a": "é\\u202e"\n}')
  })

  test('log tail: the last, from a height, so many, to the end', async () => {
    for (let n = 0; n < 15; n++) node.append(0, {}, `data ${n}`)
    const heights = async (...args: string[]): Promise<number[]> =>
      (await hb(['log', 'tail', '--json', ...args], env)).out.map(
        (line) => (JSON.parse(line) as { height: number }).height,
      )
    expect(await heights('--no-follow')).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
    expect(await heights('--no-follow', '--from', '12')).toEqual([12, 13, 14])
    expect(await heights('--from', '3', '--count', '2')).toEqual([3, 4])
    expect(await heights('--no-follow', '--partition', '1')).toEqual([])
    const { code, out } = await hb(['log', 'tail', '--no-follow', '--last', '1'], env)
    expect([code, out.length]).toEqual([0, 3])
    expect(out[2]).toContain('data 14')
    expect((await hb(['log', 'tail', '--partition', '9'], env)).err.join()).toContain(
      'partition-unknown',
    )
  })

  test('log tail follows until it is interrupted, and that is no failure', async () => {
    const stop = new AbortController()
    const following = hb(['log', 'tail', '--json'], env, stop.signal)
    while (node.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    node.append(0, {}, 'now')
    while (node.pulled === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    setTimeout(() => stop.abort(), 50)
    const { code, out } = await following
    expect([code, json(out)]).toMatchObject([0, { data: 'now' }])
  })
})
