// Versions as Javas print them, and how a failed program is reported.

import { expect, test } from '@jest/globals'
import { javaVersionOf, runToEnd } from './java.ts'

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_402"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['openjdk version "24-ea" 2025-03-18', 24],
  ['The operation could not be completed. Unable to locate a Java Runtime.', undefined],
])('%s is %s', (output, version) => {
  expect(javaVersionOf(output)).toBe(version)
})

test('a program that fails rejects with all that it said', async () => {
  const script = "console.log('said'); console.error('complained'); process.exitCode = 3"
  const run = runToEnd(process.execPath, ['--eval', script])
  await expect(run).rejects.toThrow(/ended with 3:\n(said\ncomplained|complained\nsaid)/)
})
