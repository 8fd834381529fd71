// A broker that answers with a quota's waits: its connection is left alone for so long, nothing is
// late for it, and what it withheld is asked for again. The broker here speaks the frames alone.

import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import { BrokerConnection } from '../../../src/log/kafka/connection.ts'
import type { OwnRequest } from '../../../src/log/kafka/connection.ts'
import { Mute } from '../../../src/log/kafka/mute.ts'
import type { Throttled } from '../../../src/log/kafka/mute.ts'
import { systemClock } from '../../../src/std/clock.ts'
import { sleep } from '../recording-member.ts'

const API_VERSIONS = 18

/** What is answered, and how long the broker takes for it; undefined: never. */
type Answer = { throttleMs: number; isWithheld?: boolean; afterMs?: number }

let server: Server
let sockets: Socket[]
/** Unix ms at which each request came in. */
let came: number[]
let answer: (index: number) => Answer | undefined
let told: Throttled[]
let connection: BrokerConnection | undefined

beforeEach(async () => {
  sockets = []
  came = []
  told = []
  answer = () => ({ throttleMs: 0 })
  server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  connection?.close()
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

function serve(socket: Socket): void {
  sockets.push(socket)
  let bytes = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const size = 4 + bytes.readInt32BE(0)
      void respond(socket, bytes.subarray(4, size))
      bytes = bytes.subarray(size)
    }
  })
}

async function respond(socket: Socket, request: Buffer): Promise<void> {
  const id = request.subarray(4, 8)
  if (request.readInt16BE(0) === API_VERSIONS) return void send(socket, id, Buffer.alloc(6))
  came.push(Date.now())
  const given = answer(came.length - 1)
  if (given === undefined) return
  await sleep(given.afterMs ?? 0)
  const body = Buffer.alloc(5)
  body.writeInt32BE(given.throttleMs)
  body[4] = given.isWithheld === true ? 1 : 0
  send(socket, id, body)
}

function send(socket: Socket, id: Buffer, body: Buffer): void {
  const size = Buffer.alloc(4)
  size.writeInt32BE(id.length + body.length)
  socket.write(Buffer.concat([size, id, body]))
}

async function open(requestTimeoutMs = 5_000): Promise<BrokerConnection> {
  const { port } = server.address() as AddressInfo
  const place = { host: '127.0.0.1', port }
  const timeouts = { connectTimeoutMs: 200, requestTimeoutMs }
  const onThrottled = (each: Throttled): void => void told.push(each)
  const options = { ...timeouts, clock: systemClock, clientId: 'hb.test', onThrottled }
  connection = await BrokerConnection.open(place, options)
  return connection
}

/** Answered with its throttle time: four bytes, and one that says whether it is withheld. */
const REQUEST: OwnRequest<number> = {
  name: 'Fetch',
  apiKey: 1,
  apiVersion: 0,
  encode: () => new Encoder().writeInt8(0),
  decode: (data) => data.readInt32BE(0),
  quota: (data) => ({ throttleMs: data.readInt32BE(0), isWithheld: data[4] === 1 }),
}

describe('a connection whose broker does not listen', () => {
  test('sends nothing until it does; then in the order that was asked in', async () => {
    const opened = await open()
    answer = (index) => ({ throttleMs: index === 0 ? 400 : 0 })
    expect(await opened.askOwn(REQUEST)).toBe(400)
    const heard = Date.now()
    const order: number[] = []
    const asks = [1, 2, 3].map(async (each) => {
      await opened.askOwn(REQUEST)
      order.push(each)
    })
    await sleep(200)
    expect(came.length).toBe(1)
    await Promise.all(asks)
    expect(order).toEqual([1, 2, 3])
    for (const at of came.slice(1)) expect(at - heard).toBeGreaterThanOrEqual(395)
    expect(told).toEqual([{ clientId: 'hb.test', request: 'Fetch', ms: 400 }])
  })

  test('is late by the time that it could listen, and by that alone', async () => {
    const opened = await open(300)
    // the second is under way when the first is answered, and lies in the socket meanwhile
    answer = (index) =>
      index === 0 ? { throttleMs: 1_500, afterMs: 50 } : { throttleMs: 0, afterMs: 1_400 }
    const both = [opened.askOwn(REQUEST), opened.askOwn(REQUEST)]
    expect(await Promise.all(both)).toEqual([1_500, 0])
    expect(opened.isOpen).toBe(true)
    // a third is never answered
    answer = () => undefined
    await expect(opened.askOwn(REQUEST)).rejects.toMatchObject({ sent: true })
    expect(Date.now() - (came[2] ?? 0)).toBeLessThan(1_500)
  })

  test('asks again for what was withheld', async () => {
    const opened = await open()
    answer = (index) => ({ throttleMs: index < 2 ? 150 : 0, isWithheld: index < 2 })
    expect(await opened.askOwn(REQUEST)).toBe(0)
    expect(came.length).toBe(3)
    expect((came[2] ?? 0) - (came[0] ?? 0)).toBeGreaterThanOrEqual(295)
    expect(told.map(({ ms }) => ms)).toEqual([150, 150])
  })

  test('closed meanwhile: what waits was never sent', async () => {
    const opened = await open()
    answer = () => ({ throttleMs: 60_000 })
    await opened.askOwn(REQUEST)
    const waiting = [opened.askOwn(REQUEST), opened.askOwn(REQUEST)]
    const faults = Promise.all(waiting.map((each) => each.catch((error: unknown) => error)))
    await sleep(20)
    opened.close()
    expect(await faults).toMatchObject([{ sent: false }, { sent: false }])
    expect(came.length).toBe(1)
  })

  test('another connection to the same broker goes on', async () => {
    const muted = await open()
    answer = () => ({ throttleMs: 60_000 })
    await muted.askOwn(REQUEST)
    answer = () => ({ throttleMs: 0 })
    const other = await open()
    expect(await other.askOwn(REQUEST)).toBe(0)
    muted.close()
  })
})

test('times that overlap count once', () => {
  let now = 1_000
  const mute = new Mute({ now: () => now, sleep: () => Promise.resolve() }, new AbortController().signal)
  expect(mute.over()).toBeUndefined()
  expect([mute.extend(500), mute.extend(200), mute.until]).toEqual([500, 0, 1_500])
  now = 1_400
  expect([mute.extend(300), mute.until]).toEqual([200, 1_700])
  now = 5_000
  expect(mute.over()).toBeUndefined()
  expect(mute.extend(100)).toBe(100)
})
