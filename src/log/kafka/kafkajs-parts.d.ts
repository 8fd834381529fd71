// The parts of kafkajs 2.2.4 that this adapter stands on, below its public clients: a connection
// (sockets, TLS, SASL, framing, request timeouts) and the encoders of the protocol. Written by
// hand: the package types its public clients only.

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net'

  type Options = {
    host: string
    port: number
    clientId: string
    logger: unknown
    socketFactory: (place: {
      host: string
      port: number
      ssl: object | undefined
      onConnect: () => void
    }) => Socket
    requestTimeout: number
    connectionTimeout: number
    ssl: object | null
    sasl: object | null
  }
  type InFlight = {
    readonly sentAt: number
    readonly requestTimeout: number
    timeoutRequest(): void
  }
  export default class Connection {
    constructor(options: Options)
    socket: Socket | undefined
    readonly requestQueue: {
      scheduleCheckPendingRequests: () => void
      scheduleRequestTimeoutCheck: () => void
      push: (request: object) => void
      readonly inflight: ReadonlyMap<number, InFlight>
      readonly pending: readonly unknown[]
      throttledUntil: number
      rejectAll(error: Error): void
      checkPendingRequests(): void
    }
    connect(): Promise<unknown>
    disconnect(): Promise<unknown>
    isConnected(): boolean
    authenticate(): Promise<void>
    setVersions(versions: object): void
    setSupportAuthenticationProtocol(isSupported: boolean): void
    send(request: object): Promise<unknown>
  }
}

declare module 'kafkajs/src/protocol/requests/index.js' {
  type Protocol = {
    request: { apiKey: number; apiVersion: number; apiName: string; encode: () => Promise<unknown> }
    response: { decode: (data: Buffer) => Promise<unknown>; parse: (data: unknown) => unknown }
  }
  type Definition = {
    versions: string[]
    protocol(options: { version: number }): (args: object) => Protocol
  }
  const protocol: { readonly requests: Readonly<Record<string, Definition>> }
  export default protocol
}

declare module 'kafkajs/src/protocol/requests/apiKeys.js' {
  const apiKeys: Readonly<Record<string, number>>
  export default apiKeys
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialSize?: number)
    writeBufferInternal(buffer: Buffer): void
    writeString(text: string | null): Encoder
    writeInt8(value: number): Encoder
    writeInt16(value: number): Encoder
    writeInt32(value: number): Encoder
    writeUVarInt(value: number): Encoder
    writeUVarIntString(text: string | null): Encoder
  }
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/crc32C.js' {
  /** As a signed number. */
  const crc32C: (bytes: Buffer) => number
  export default crc32C
}

declare module 'kafkajs/src/consumer/assignerProtocol.js' {
  const assignerProtocol: {
    readonly MemberMetadata: {
      encode(metadata: { version: number; topics: readonly string[]; userData: Buffer }): Buffer
      decode(bytes: Buffer): { version: number; topics: string[]; userData: Buffer | null }
    }
    readonly MemberAssignment: {
      encode(assignment: {
        version: number
        assignment: Readonly<Record<string, readonly number[]>>
        userData: Buffer
      }): Buffer
      decode(bytes: Buffer): {
        version: number
        assignment: Record<string, number[]>
        userData: Buffer | null
      } | null
    }
  }
  export default assignerProtocol
}
