// The import of a recorded history, as the sandbox keeps it: in order, each once, by its importer
// alone, with the recorded facts; then heights that go on.

import { expect, test } from '@jest/globals'
import { CALLER, openContracts, type OpenContract } from './open.ts'

const OTHER = 'B'.repeat(43)
const OWNER = 'C'.repeat(43)
const SOURCE = `export function handle(state, { input, caller }) {
  state.seen.push([input.n, caller, SmartWeave.block.height, SmartWeave.contract.owner])
  if (input.fail) throw new ContractError('as asked')
  if (input.function === 'height') return { result: SmartWeave.block.height }
  return { state }
}`
const STATE = {
  seen: [],
  $smartweave: { imported: { contract: 'W', owner: OWNER }, importing: { after: '' } },
}

function sortKey(n: number): string {
  return `${String(n).padStart(12, '0')},${'0'.repeat(13)},${'a'.repeat(64)}`
}

function spawned(state: unknown = STATE): OpenContract {
  const contract = openContracts().open(SOURCE, state)
  expect(contract.send(null, { kind: 'spawn', slot: 0 })).toMatchObject({ status: 'ok' })
  return contract
}

function interaction(n: number, after: number, input: object = {}): object {
  const facts = {
    id: 'I'.repeat(43),
    owner: OTHER,
    tags: [],
    sortKey: sortKey(n),
    block: { height: 1_000 + n, timestamp: 1_600_000_000, indep_hash: 'x' },
    contract: { id: 'W', owner: OWNER },
  }
  return { after: after === 0 ? '' : sortKey(after), input: JSON.stringify({ n, ...input }), facts }
}

const IMPORT: Record<string, unknown> = { tags: { 'Warp-Import': 'Interaction' } }

test('each is taken once, in order, with its facts; what fails moves nothing', () => {
  const contract = spawned()
  const refused = { status: 'error', code: 'import-refused' }
  expect(contract.send(interaction(2, 1), IMPORT)).toMatchObject(refused)
  expect(contract.send(interaction(1, 0), IMPORT)).toMatchObject({ status: 'ok' })
  expect(contract.send(interaction(1, 0), IMPORT)).toMatchObject(refused)
  const failed = contract.send(interaction(2, 1, { fail: true }), IMPORT)
  expect(failed).toMatchObject({ status: 'error', code: 'contract-error', text: 'as asked' })
  expect(contract.send(interaction(3, 2), IMPORT)).toMatchObject(refused)
  expect(contract.send(interaction(3, 1), IMPORT)).toMatchObject({ status: 'ok' })
  expect(contract.state()).toMatchObject({
    seen: [
      [1, OTHER, 1_001, OWNER],
      [3, OTHER, 1_003, OWNER],
    ],
    $smartweave: { importing: { by: CALLER, after: sortKey(3) } },
  })
})

test('nobody else is heard until it ends, and no recorded fact is taken after', () => {
  const contract = spawned()
  const refused = { status: 'error', code: 'import-refused' }
  expect(contract.send(interaction(1, 0), { ...IMPORT, caller: OTHER })).toMatchObject(refused)
  expect(contract.send({ n: 1 })).toMatchObject(refused)
  expect(contract.send({ n: 1 }, { caller: OTHER })).toMatchObject(refused)
  expect(contract.send(null, IMPORT)).toMatchObject(refused)
  expect(contract.send({ after: '' }, IMPORT)).toMatchObject({ status: 'error' })
  expect(contract.send({ after: 'x', end: {} }, IMPORT)).toMatchObject(refused)
  const end = { after: '', end: { height: 5_000, timestamp: 1_700_000_000 } }
  expect(contract.send(end, IMPORT)).toMatchObject({ status: 'ok', messages: [] })
  expect(contract.send(end, IMPORT)).toMatchObject(refused)
  expect(contract.send(interaction(1, 0), IMPORT)).toMatchObject(refused)
  expect(contract.state()).toMatchObject({ seen: [] })
})

test('heights go on by log time, the owner stays; otherwise heights are the log’s', () => {
  const imported = { contract: 'W', owner: OWNER, height: 5_000, timestamp: 1_700_000_000 }
  const contract = spawned({ seen: [], $smartweave: { imported } })
  const at = (seconds: number): Record<string, unknown> => ({ timestamp: seconds * 1_000, height: 7 })
  const ask = { n: 0, function: 'height' }
  expect(contract.ask(ask, at(1_700_000_000))).toBe(5_000)
  expect(contract.ask(ask, at(1_700_000_000 + 119))).toBe(5_000)
  expect(contract.ask(ask, at(1_700_000_000 + 1_200))).toBe(5_010)
  expect(contract.ask(ask, at(1_600_000_000))).toBe(5_000)
  expect(contract.state()).toMatchObject({ $smartweave: { contract: { owner: OWNER } } })
  const own = spawned({ seen: [] })
  expect(own.ask(ask, at(1_700_000_000))).toBe(7)
  // the tag means nothing to it
  expect(own.send({ n: 1 }, IMPORT)).toMatchObject({ status: 'ok' })
})
