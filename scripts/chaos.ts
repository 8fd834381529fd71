// The long chaos (issue 4, section 3), on brokers of its own; see test/chaos/.
//
//   npm run test:chaos -- --seed 7 [--seconds 120] [--short]
//   npm run test:chaos -- --judge DIRECTORY     what a run kept, evaluated and checked again
//
// Invariant: the last line on stdout is one JSON object; the exit code is 0 only where it is `ok`.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openKafkaLog } from '../src/log/kafka/index.ts'
import { readHistory } from '../test/chaos/history-file.ts'
import { judge, runChaos } from '../test/chaos/run.ts'

const SECONDS = 120

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string' },
    short: { type: 'boolean', default: false },
    judge: { type: 'string' },
  },
})

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} ${text}: a whole number`)
  return Number(text)
}

if (values.judge !== undefined) {
  const { violations, figures } = await judge(await readHistory(join(values.judge, 'history')))
  end({ ok: violations.length === 0, ...figures, violations })
} else {
  const random = Math.floor(Math.random() * 2 ** 32)
  const outcome = await runChaos({
    seed: values.seed === undefined ? random : wholeNumber('seed', values.seed),
    seconds: values.seconds === undefined ? SECONDS : wholeNumber('seconds', values.seconds),
    short: values.short,
    openLog: (bootstrapServers) => openKafkaLog({ bootstrapServers, clientId: 'hb-chaos' }),
    say: (line) => console.log(line),
  })
  end(outcome)
}

function end(outcome: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify(outcome))
  process.exitCode = outcome['ok'] === true ? 0 : 1
}
