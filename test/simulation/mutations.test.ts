// Every mutation still applies to the sources as they are: a line that moved or was reworded is
// noticed here, not in the long run that proves that each is caught (npm run sim:mutations). That what
// it makes holds together is mutated-types.test.ts's.

import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { MUTATIONS } from './mutations/list.ts'
import { mutated } from './mutations/mutation.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

test.each(MUTATIONS)('$name applies', (mutation) => {
  expect(mutated(mutation, ROOT)).toContain(mutation.to)
})

test('names tell mutations apart, and so does what they replace', () => {
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length)
  expect(new Set(MUTATIONS.map(({ file, to, from }) => `${file} ${from} ${to}`)).size).toBe(
    MUTATIONS.length,
  )
})

test('a text that is not there, or there twice, is refused', () => {
  const file = 'src/protocol/accept.ts'
  const mutation = { name: 'planted', weakens: 'Nothing.', file, to: '' }
  expect(() => mutated({ ...mutation, from: 'no such text' }, ROOT)).toThrow('planted')
  expect(() => mutated({ ...mutation, from: 'view' }, ROOT)).toThrow('planted')
})
