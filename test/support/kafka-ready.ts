// Whether a broker is ready, found out by asking it as a client does: one Metadata request,
// version 5, written out here. It stands below whatever the tests are about, and starts nothing.

import { connect } from 'node:net'
import type { Socket } from 'node:net'

const METADATA = 3
const VERSION = 5
const ANSWER_MS_MAX = 5_000
const CLIENT = 'hollowbeam-test'

/** size, api, version, correlation id, client id, no topics, no creation of topics. */
function metadataRequest(): Buffer {
  const bytes = Buffer.alloc(4 + 2 + 2 + 4 + 2 + CLIENT.length + 4 + 1)
  let at = bytes.writeInt32BE(bytes.length - 4)
  at = bytes.writeInt16BE(METADATA, at)
  at = bytes.writeInt16BE(VERSION, at)
  at = bytes.writeInt32BE(1, at)
  at = bytes.writeInt16BE(CLIENT.length, at)
  bytes.write(CLIENT, at)
  return bytes
}

type ClusterView = { readonly ids: readonly number[]; readonly controller: number }

/** correlation id, throttle time, brokers (id, host, port, rack), cluster id, controller id. */
function clusterViewOf(bytes: Buffer): ClusterView {
  let at = 8
  const int32 = (): number => bytes.readInt32BE((at += 4) - 4)
  const skipString = (): void => {
    const length = bytes.readInt16BE(at)
    at += 2 + Math.max(0, length)
  }
  const ids = Array.from({ length: int32() }, () => {
    const id = int32()
    skipString()
    int32()
    skipString()
    return id
  })
  skipString()
  return { ids, controller: int32() }
}

/**
 * The broker at `address` (host:port) serves requests, knows a controller and sees these brokers
 * (any one, if none are named). False when it does not answer.
 */
export async function isReady(address: string, ids: readonly number[] = []): Promise<boolean> {
  const colon = address.lastIndexOf(':')
  const socket = connect(Number(address.slice(colon + 1)), address.slice(0, colon))
  try {
    const seen = clusterViewOf(await ask(socket, metadataRequest()))
    return seen.controller >= 0 && seen.ids.length > 0 && ids.every((id) => seen.ids.includes(id))
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** The answer without its size; rejects if the connection ends, or is silent for too long. */
function ask(socket: Socket, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error('no answer')))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it hung up')))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        resolve(received.subarray(4))
      }
    })
    socket.write(request)
  })
}
