import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { serverEvents, type ServerEvent } from '../../src/client/event-stream.ts'
import { isHbError } from '../../src/std/errors.ts'

async function events(chunks: readonly Uint8Array[], most = 10_000): Promise<ServerEvent[]> {
  const found: ServerEvent[] = []
  const body = (async function* () {
    yield* chunks
  })()
  for await (const event of serverEvents(body, most)) found.push(event)
  return found
}

const TEXT =
  'retry: 5\n\n: hello\nid: 1\nevent: entry\ndata: {"a":"é😀"}\n\nid:2\r\ndata:x\r\ndata: y\r\n\r\ndata\rdata:z\r\rid: 9\ndata: unfinished'
const WANTED = [
  { id: '1', event: 'entry', data: '{"a":"é😀"}' },
  { id: '2', event: 'message', data: 'x\ny' },
  { id: '2', event: 'message', data: '\nz' },
]

test('the same events however the bytes are cut', async () => {
  const bytes = Buffer.from(TEXT)
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(bytes.length), { maxLength: 30 }), async (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      const chunks = places.slice(1).map((end, at) => bytes.subarray(places[at], end))
      expect(await events(chunks)).toEqual(WANTED)
    }),
    { numRuns: 300 },
  )
})

test('an event without end is refused, in one line or in many', async () => {
  const line = Buffer.from('data: xxxxxxxxxxxxxxxxxxxxxxxx\n')
  for (const chunks of [
    Array(100).fill(line),
    Array(100).fill(Buffer.alloc(50, 0x61)),
  ] as Buffer[][]) {
    const failure: unknown = await events(chunks, 1_000).catch((error: unknown) => error)
    expect(isHbError(failure, 'response-malformed')).toBe(true)
  }
})
