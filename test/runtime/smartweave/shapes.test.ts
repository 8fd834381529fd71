// A published source is run in whatever shape it was published: what finds its handle, and what is
// refused when it is opened.
import { expect, test } from '@jest/globals'
import { openContracts } from './open.ts'

const contracts = openContracts()
const BODY = `(state, action) {
  state.count = (state.count ?? 0) + action.input.by
  return { state }
}`

const SHAPES: Record<string, string> = {
  'export async function': `export async function handle${BODY}`,
  'export function': `export function handle${BODY}`,
  'a directive before it': `'use strict';\n\nexport async function handle${BODY}`,
  'no export': `async function handle${BODY}`,
  'export const': `export const handle = async (state, action) => ({
    state: { ...state, count: (state.count ?? 0) + action.input.by }
  })`,
  'export default function': `export default async function handle${BODY}`,
  'export default another name': `export default async function main${BODY}`,
  'export default without a name': `export default async function ${BODY}`,
  'export default object': `async function handle${BODY}\nexport default { handle }`,
  'a list of exports': `async function run${BODY}\nexport {\n  run as handle,\n};\n`,
  'a bundle in one line': `var a=1;async function b${BODY}export{b as handle};`,
  'an arrow function called at once': `(() => {
    // src/contract.js
    async function handle${BODY}
  })();`,
  'a function called at once, strict': `"use strict";
    (function () {
      "use strict";
      async function handle${BODY}
    })();
    //# sourceMappingURL=contract.js.map`,
  'one with its result kept': `var contract = (() => {
    var __defProp = Object.defineProperty;
    async function handle${BODY}
    return { handle };
  })();`,
  'module.exports': `async function handle${BODY}\nmodule.exports = { handle }`,
  'module.exports a function': `module.exports = async function ${BODY}`,
  'exports.handle': `'use strict'; exports.handle = async function ${BODY}`,
  'UMD': `(function (root, factory) {
    typeof exports === 'object' && typeof module !== 'undefined'
      ? factory(exports) : factory(root.contract = {});
  })(this, function (exports) { exports.handle = async function ${BODY} });`,
}

test.each(Object.entries(SHAPES))('%s', (_name, source) => {
  const contract = contracts.open(source)
  expect(contract.send({ by: 2 })).toMatchObject({ status: 'ok' })
  expect(contract.send({ by: 3 })).toMatchObject({ status: 'ok' })
  expect(contract.state()).toEqual({ count: 5 })
})

test('the words in texts, comments, templates and expressions are no exports', () => {
  const contract = contracts.open(`
    // export function handle() {}
    /* export { nothing as handle } */
    const words = ['export { a as handle }', "import 'x'", \`
export default \${ \`import \${ { import: 1 }.import } '\` } export\`]
    const pattern = /export["'\`/[/]{/.source, half = words.length / 2 / 1
    const object = { export: 1, import: 2 }
    if (half) /import '/.test('')
    export async function handle(state) {
      return { result: [words, pattern, object.export, object.import, half] }
    }`)
  expect(contract.ask({})).toEqual([
    ['export { a as handle }', "import 'x'", "\nexport default import 1 ' export"],
    'export["\'`/[/]{',
    ...[1, 2, 1.5],
  ])
})

test('lines keep their numbers, and a line comment at the end closes nothing', () => {
  const contract = contracts.open(`export { run as handle }
    async function run(state) { return { state: { ran: true } } } // the end`)
  expect(contract.send({})).toMatchObject({ status: 'ok' })
  expect(contract.state()).toEqual({ ran: true })
})

test('a contract runs in sloppy mode, as with the SmartWeave SDKs', () => {
  const contract = contracts.open(`'use strict'
    export function handle(state, action) {
      undefined_object_is_ignored = 010
      return { result: typeof undefined_object_is_ignored + (010 === 8) }
    }`)
  expect(contract.ask({})).toBe('undefinedtrue')
})

const REFUSED: [string, string, string][] = [
  ['no handle', 'function other() {}', 'the module exports no handle'],
  ['an import', "import x from 'x'\nexport function handle() {}", 'it imports other modules'],
  ['a named import', 'import { x } from "x"; export { x as handle }', 'it imports other modules'],
  ['exports from elsewhere', "export { handle } from './x.js'", 'exports from another module'],
  ['all exports from elsewhere', "export * from './x.js'", 'exports from another module'],
  ['no script', 'export function handle( {', 'SyntaxError'],
  ['a text without an end', 'export function handle() {} "', 'SyntaxError'],
  ['a scope that throws', 'export function handle() {}; null.x', 'its scope'],
  ['a scope that asks for the interaction', 'const { id } = SmartWeave.transaction; export function handle() {}', 'No current Tx'],
  ['a brace too many', 'function handle() {} }, function () {', 'SyntaxError'],
  ['another brace too many', 'function handle() {} } }); ({ m() {', 'SyntaxError'],
  ['a third', 'function handle() {} } function x() {', 'SyntaxError'],
]

test.each(REFUSED)('%s is refused', (_name, source, why) => {
  expect(() => contracts.open(source)).toThrow(why)
})
