// A contract of some ten thousand lines, as a bundler leaves a large one: a token that checks what
// it does by a library of many small functions. Made when it is needed, always the same.
//
// Invariant: every function of the library can be reached by an interaction (`run`), and calls at
// most one that stands before it, so a call ends.

import { seededRandom, type Random } from '../../src/std/random.ts'

export const RULES = 510
const SEED = 10_000

type Writer = (random: Random, index: number, before: string) => string[]

/** Numbers: 32-bit mixing in a loop. */
const mixer: Writer = (random, index, before) => [
  `  function rule${index}(value, text) {`,
  `    var number = Number.isSafeInteger(value) ? value : String(value).length;`,
  `    var held = (number ^ ${random.uint32() >>> 1}) | 0;`,
  `    for (var i = 0; i < ${2 + random.below(9)}; i++) {`,
  `      var turned = held ^ (held >>> ${1 + random.below(15)});`,
  `      held = Math.imul(turned, ${random.uint32() >>> 1} | 1);`,
  `      if (held % ${2 + random.below(5)} === 0) {`,
  `        held = (held + text.length * ${1 + random.below(90)}) | 0;`,
  `      } else {`,
  `        held = (held << ${1 + random.below(7)}) | (held >>> ${8 + random.below(15)});`,
  `      }`,
  `    }`,
  `    if (held < 0 && text.length > ${3 + random.below(30)}) {`,
  `      return ${before}(held >>> ${random.below(8)}, text.slice(1));`,
  `    }`,
  `    return held >>> ${random.below(4)};`,
  `  }`,
]

/** Texts: split, turned, joined. */
const turner: Writer = (random, index, before) => [
  `  var rule${index} = function (value, text) {`,
  `    var parts = text.split(/[^${'abcdefghij'.slice(random.below(8))}-z0-9]+/i);`,
  `    var turned = parts`,
  `      .map(function (part, at) {`,
  `        return at % ${2 + random.below(3)} ? part.toUpperCase() : [...part].reverse().join("");`,
  `      })`,
  `      .filter(function (part) {`,
  `        return part.length > ${random.below(2)};`,
  `      })`,
  `      .join("${'-_.:'[random.below(4)]}");`,
  `    if (turned.length === 0) {`,
  `      return String(${before}(value, text + "${random.below(1_000)}"));`,
  `    }`,
  `    var padded = turned.padEnd(${random.below(20)}, "${random.below(10)}");`,
  `    return padded.slice(-${24 + random.below(16)});`,
  `  };`,
]

/** Tables: counted, sorted, folded. */
const counter: Writer = (random, index, before) => [
  `  var rule${index} = (value, text) => {`,
  `    const counts = {};`,
  `    for (const unit of text) {`,
  `      counts[unit] = (counts[unit] || ${random.below(3)}) + ${1 + random.below(3)};`,
  `    }`,
  `    const rows = Object.entries(counts)`,
  `      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))`,
  `      .slice(0, ${2 + random.below(5)});`,
  `    if (rows.length === 0) {`,
  `      rows.push(["", ${before}(value, "${'xyz'[random.below(3)]}")]);`,
  `    }`,
  `    const { length, ...rest } = Object.fromEntries(rows);`,
  `    return {`,
  `      kinds: rows.length,`,
  `      most: rows[0][0],`,
  `      sum: rows.reduce((sum, row) => sum + row[1] * ${1 + random.below(9)}, 0) || 0,`,
  `      rest,`,
  `    };`,
  `  };`,
]

/** Classes: a getter, a private field, an iterator. */
const walker: Writer = (random, index, before) => [
  `  var Walk${index} = class {`,
  `    #at = ${random.below(7)};`,
  `    constructor(value, text) {`,
  `      this.steps = Math.abs(Number(value) || text.length) % ${5 + random.below(20)};`,
  `      this.text = text;`,
  `    }`,
  `    get place() {`,
  `      return (this.#at * ${3 + random.below(40)}) % ${41 + random.below(60)};`,
  `    }`,
  `    *[Symbol.iterator]() {`,
  `      while (this.#at++ < this.steps) {`,
  `        yield this.place;`,
  `      }`,
  `    }`,
  `  };`,
  `  function rule${index}(value, text) {`,
  `    const walked = [...new Walk${index}(value, text)];`,
  `    if (walked.length === 0) {`,
  `      return [${before}(text.length, "${random.below(100)}")];`,
  `    }`,
  `    return walked.flatMap((place) => (place % ${2 + random.below(3)} ? [place] : []));`,
  `  }`,
]

const WRITERS = [mixer, turner, counter, walker]

const TOKEN = `
  function check(condition, message) {
    if (!condition) throw new ContractError(message);
  }
  function transfer(state, caller, { target, qty }) {
    check(Number.isInteger(qty) && qty > 0, "qty must be a positive integer");
    check(typeof target === "string" && target !== caller, "bad target");
    check((state.balances[caller] || 0) >= qty, "balance too low");
    state.balances[caller] -= qty;
    state.balances[target] = (state.balances[target] || 0) + qty;
    return rules[qty % rules.length](qty, target);
  }
  function run(state, caller, { rule, value, text }) {
    const chosen = rules[rule];
    check(chosen, "no rule " + rule);
    const found = chosen(value, String(text));
    state.found[rule % 40] = found;
    check(JSON.stringify(found).length < 120, "too long: " + rule);
    return found;
  }
  async function handle(state, action) {
    const { input, caller } = action;
    if (input.function === "transfer") {
      state.last = transfer(state, caller, input);
    } else if (input.function === "run") {
      state.last = run(state, caller, input);
    } else {
      check(false, "unknown function " + input.function);
    }
    return { state };
  }`

/** The source, one function called at once. */
export function bigBundle(): string {
  const random = seededRandom(SEED)
  const lines = ['(() => {', '  var RULE_COUNT = 0;', '  function rule(value, text) {']
  lines.push('    return text.length + (Number(value) || 0);', '  }')
  let before = 'rule'
  for (let index = 0; index < RULES; index++) {
    const write = WRITERS[random.below(WRITERS.length)] as Writer
    lines.push(`  // rules/rule-${index}.js`, ...write(random, index, before))
    // Calls one of the functions before it now and then, and itself is called by a later one.
    if (random.below(3) === 0) before = `rule${index}`
  }
  lines.push('  var rules = [')
  for (let index = 0; index < RULES; index++) lines.push(`    rule${index},`)
  lines.push('  ];', ...TOKEN.split('\n'), '})();')
  return lines.join('\n')
}
