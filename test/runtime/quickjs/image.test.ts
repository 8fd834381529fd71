// The image of a sandbox: always the same, and refused where the engine does not count.
import { beforeAll, describe, expect, test } from '@jest/globals'
import { loadEngine, type Engine } from '../../../src/runtime/quickjs/engine.ts'
import { makeImage } from '../../../src/runtime/quickjs/image.ts'
import { quickjsScripts } from '../../../src/runtime/quickjs/runtime.ts'

let engine: Engine
beforeAll(() => {
  engine = loadEngine()
})

describe('an image', () => {
  test('is the same, byte for byte, each time (I2)', () => {
    const [one, other] = [1, 2].map(() => makeImage(engine, quickjsScripts()))
    expect(one?.runs.length).toBeGreaterThan(0)
    expect(other).toEqual(one)
  })

  test('is refused where a loop is not seen to count (I1)', () => {
    const scripts = quickjsScripts()
    const driver = scripts.driver.replace('for (let i = +times; i > 0; i--);', '')
    expect(driver).not.toBe(scripts.driver)
    expect(() => makeImage(engine, { ...scripts, driver })).toThrow('gas counter is not found')
  })

  test('is refused where long loops do not count like short ones (I1)', () => {
    const scripts = quickjsScripts()
    const driver = scripts.driver.replace('let i = +times', 'let i = Math.min(+times, 20000)')
    expect(driver).not.toBe(scripts.driver)
    expect(() => makeImage(engine, { ...scripts, driver })).toThrow('does not count')
  })
})
