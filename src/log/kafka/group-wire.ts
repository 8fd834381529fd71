// What a group's members tell one another through Kafka's consumer protocol, so that stock tools
// show the group: topics and assigned partitions as every consumer has them, and beside them, as
// user data (JSON), what our own assigner needs.
//
//   member: {"v":1, "address"?: URL, "owned": [partition…], "generation": of that claim,
//            "holds": [[partition, lag]…], "standbys": number}
//   assignment: {"v":1, "standbys": [partition…], "moving": [partition…]}
//
// Invariant: what cannot be read counts as nothing told: a member of another make gets partitions
// all the same.

import assignerProtocol from 'kafkajs/src/consumer/assignerProtocol.js'
import { assignPartitions, type AssignableMember } from '../assignment.ts'

export const PROTOCOL = 'hb-cooperative-sticky'

export type MemberNews = {
  readonly topics: readonly string[]
  readonly address: string | undefined
  readonly owned: readonly number[]
  readonly generation: number
  readonly holds: ReadonlyMap<number, number>
  readonly standbys: number
}

export type Assigned = {
  readonly owned: readonly number[]
  readonly standbys: readonly number[]
  /** Standbys that become its own once they are warm. */
  readonly moving: readonly number[]
}

export function encodeMember(news: MemberNews): Buffer {
  const { topics, address, owned, generation, holds, standbys } = news
  const told = { v: 1, address, owned, generation, holds: [...holds], standbys }
  const userData = Buffer.from(JSON.stringify(told))
  return assignerProtocol.MemberMetadata.encode({ version: 0, topics, userData })
}

export function decodeMember(bytes: Buffer): MemberNews {
  const metadata = readable(() => assignerProtocol.MemberMetadata.decode(bytes))
  const { topics, userData } = metadata ?? { topics: [], userData: null }
  const told = objectOf(userData)
  return {
    topics,
    address: typeof told['address'] === 'string' ? told['address'] : undefined,
    owned: numbersOf(told['owned']),
    generation: typeof told['generation'] === 'number' ? told['generation'] : -1,
    holds: new Map(pairsOf(told['holds'])),
    standbys: typeof told['standbys'] === 'number' ? told['standbys'] : 0,
  }
}

export function encodeAssigned(topics: readonly string[], assigned: Assigned): Buffer {
  const { owned, standbys, moving } = assigned
  const userData = Buffer.from(JSON.stringify({ v: 1, standbys, moving }))
  const assignment = Object.fromEntries(topics.map((topic) => [topic, owned]))
  return assignerProtocol.MemberAssignment.encode({ version: 0, assignment, userData })
}

export function decodeAssigned(bytes: Buffer): Assigned {
  const decoded = readable(() => assignerProtocol.MemberAssignment.decode(bytes)) ?? null
  if (decoded === null) return { owned: [], standbys: [], moving: [] }
  const told = objectOf(decoded.userData)
  const [owned = []] = Object.values(decoded.assignment)
  return {
    owned: [...owned].sort((a, b) => a - b),
    standbys: numbersOf(told['standbys']),
    moving: numbersOf(told['moving']),
  }
}

export type Joined = { readonly memberId: string; readonly news: MemberNews }

/**
 * The leader's work: everybody's part. What moves is given to nobody until its owner has given it
 * up: that one joins again, and the next generation has it.
 */
export function assignAll(
  members: readonly Joined[],
  partitions: number,
  lagMax: number,
): Map<string, Assigned> {
  const claims = claimsOf(members, partitions)
  const candidates = members.map(({ memberId, news }): AssignableMember => {
    const owned = [...claims.keys()].filter((index) => claims[index] === memberId)
    return { id: memberId, owned, holds: news.holds }
  })
  const standbys = Math.max(0, ...members.map(({ news }) => news.standbys))
  const assignment = assignPartitions(candidates, { partitions, standbys, lagMax })
  return new Map(
    members.map(({ memberId }) => {
      const owned = [...assignment.owners.keys()].filter((index) => {
        const isFree = claims[index] === undefined || claims[index] === memberId
        return isFree && assignment.owners[index] === memberId
      })
      const copies = assignment.standbys.get(memberId) ?? []
      return [memberId, { owned, standbys: copies, moving: assignment.moving.get(memberId) ?? [] }]
    }),
  )
}

/** Who owns what by the members' own words; of two claims the newer generation's holds. */
function claimsOf(members: readonly Joined[], partitions: number): (string | undefined)[] {
  const claims = new Array<string | undefined>(partitions).fill(undefined)
  const generations = new Array<number>(partitions).fill(-Infinity)
  for (const { memberId, news } of members) {
    for (const index of news.owned) {
      if (index >= partitions || news.generation <= (generations[index] as number)) continue
      claims[index] = memberId
      generations[index] = news.generation
    }
  }
  return claims
}

/** Undefined where the bytes are no consumer protocol. */
function readable<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}

function objectOf(bytes: Buffer | null): Record<string, unknown> {
  if (bytes === null || bytes.length === 0) return {}
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function numbersOf(value: unknown): number[] {
  if (!Array.isArray(value)) return []
  return value.filter((each: unknown): each is number => Number.isSafeInteger(each))
}

function pairsOf(value: unknown): [number, number][] {
  if (!Array.isArray(value)) return []
  return value.filter(
    (each): each is [number, number] =>
      Array.isArray(each) && each.length === 2 && numbersOf(each).length === 2,
  )
}
