// npm run sim -- --seed N: a run of one seed; its report is the last line.

import { parseArgs } from 'node:util'
import { simulate } from '../test/simulation/run.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    plan: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed ?? '1')
const changes = values.plan === undefined ? {} : JSON.parse(values.plan)
process.stdout.write(`seed ${seed}\n`)
const began = performance.now()
const onTrace = (line: string): void => void process.stdout.write(`${line}\n`)
const report = await simulate(seed, { changes, ...(values.trace && { onTrace }) })
process.stderr.write(`${report.seconds.toFixed(1)} virtual s in ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
process.stdout.write(`${JSON.stringify(report)}\n`)
