// The gas of a machine: exact whatever ran before, and final once it is exhausted.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { loadEngine } from '../../../src/runtime/quickjs/engine.ts'
import { makeImage, type Image } from '../../../src/runtime/quickjs/image.ts'
import { quickjsScripts } from '../../../src/runtime/quickjs/runtime.ts'
import { Sandbox } from '../../../src/runtime/quickjs/sandbox.ts'
import { DRIVER } from '../../../src/runtime/quickjs/script-context.ts'

const GAS = 100_000
let image: Image
let sandbox: Sandbox
beforeAll(() => {
  image = makeImage(loadEngine(), quickjsScripts())
})
beforeEach(() => {
  sandbox = new Sandbox(image, 1_024)
})

function spin(turns: number, gas = GAS): number {
  sandbox.gas.meter(gas)
  sandbox.context.call(DRIVER.spin, [String(turns)])
  return gas - sandbox.gas.left()
}

describe('gas', () => {
  test('does not depend on what ran before, or how it ended (G1)', () => {
    const spent = spin(1_000)
    expect(spin(12_345)).toBe(spent + 2 * 11_345)
    expect(spin(1_000_000)).toBe(GAS)
    expect(sandbox.gas.exhausted).toBe(true)
    expect(spin(1_000)).toBe(spent)
    expect(sandbox.gas.exhausted).toBe(false)
  })

  test('ends what takes all of it, and nothing that leaves a unit', () => {
    const spent = spin(1_000)
    const enough = [-1, 0, 1, 2].map((more) => {
      spin(1_000, spent + more)
      return !sandbox.gas.exhausted
    })
    expect(enough).toEqual([false, false, true, true])
  })

  test('once exhausted, whatever is called ends at its first poll (G2)', () => {
    spin(1_000_000)
    expect(sandbox.gas.left()).toBe(0)
    expect(sandbox.context.run(DRIVER.spin, '1000000')).toBe(0)
    expect(sandbox.gas.exhausted).toBe(true)
  })

  test('a machine without a meter set goes on (G3)', () => {
    spin(1_000_000)
    sandbox.gas.unmeter()
    const value = sandbox.context.run(DRIVER.spin, '1000000')
    expect(value).not.toBe(0)
    expect(sandbox.gas.exhausted).toBe(false)
  })
})
