// Views of a machine's memory are those of the memory as it is, and an image is what was in it.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { loadEngine, type Engine } from '../../../src/runtime/quickjs/engine.ts'
import { newMeteredMachine } from '../../../src/runtime/quickjs/gas-meter.ts'
import type { MachineMemory } from '../../../src/runtime/quickjs/machine-memory.ts'

const PAGE_BYTES = 65_536
let engine: Engine
let memory: MachineMemory
beforeAll(() => {
  engine = loadEngine()
})
beforeEach(() => {
  memory = newMemory()
  memory.machine.initialize()
})

function newMemory(): MachineMemory {
  return newMeteredMachine(engine, 256, { bytes: 256 * PAGE_BYTES }, () => 0).memory
}

describe("a machine's memory", () => {
  test('after it grew, the views are of all of it (M1)', () => {
    const { words, bytes } = memory
    const { length } = bytes
    memory.machine.memory.grow(1)
    expect([words.length, bytes.length]).toEqual([0, 0])
    expect(memory.bytes.length).toBe(length + PAGE_BYTES)
    expect(memory.words.length).toBe((length + PAGE_BYTES) / 4)
    expect(memory.words).toBe(memory.words)
  })

  test.each(['', 'a', 'ä€\u{1f600}', 'x'.repeat(3 * 1_048_576)])('a text comes back', (text) => {
    const at = memory.cString(text)
    expect(memory.textAt(at) === text).toBe(true)
    memory.machine.free(at)
  })

  test('an image is loaded into a smaller memory, and nothing else is in it', () => {
    const at = memory.cString('kept')
    memory.machine.memory.grow(3)
    const last = memory.bytes.length - 1
    memory.bytes[last] = 7
    const image = memory.image()
    expect(image.end).toBe(last + 1)
    const other = newMemory()
    other.load(image)
    expect(other.textAt(at)).toBe('kept')
    expect(other.bytes.equals(memory.bytes)).toBe(true)
    expect(image.runs.reduce((sum, run) => sum + run.bytes.length, 0)).toBeLessThan(image.end / 2)
  })
})
