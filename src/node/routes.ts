// Who has which partition, and at which address: until there is a process registry, out of the
// metadata of the groups that the roles form.
//
// Invariants: R1 what is open here is known from this node itself, without asking anybody. R2 a
// group is asked at most every routeRefreshMsMin, but for the first time after a partition left
// this node: so two nodes never send a request to and fro between them. R3 a log that cannot tell
// costs nothing but age: what was known stays.

import type { GroupMember, Log } from '../log/port.ts'
import type { Clock } from '../std/clock.ts'
import type { Ownership, Role } from './ownership.ts'
import { ROLES } from './ownership.ts'
import type { PeerLimits } from './peer-limits.ts'

export type RouteOptions = {
  readonly log: Log
  readonly clock: Clock
  readonly applicationId: string
  /** This node's own, where it has one. */
  readonly address: string | undefined
  readonly partitions: number
  readonly ownership: Ownership
  readonly limits: PeerLimits
  /** Aborted when the node closes: nobody is waited for then. */
  readonly signal: AbortSignal
}

type View = {
  members: readonly GroupMember[]
  at: number
  doubted: boolean
  asking: Promise<void> | undefined
}

export class Routes {
  readonly #o: RouteOptions
  readonly #views: ReadonlyMap<Role, View>

  constructor(options: RouteOptions) {
    this.#o = options
    const view = (): View => ({ members: [], at: -Infinity, doubted: false, asking: undefined })
    this.#views = new Map(ROLES.map((role) => [role, view()]))
  }

  /**
   * `here`: it is open here. Undefined: nobody serves it now, or who does cannot be reached; so it
   * is for a partition that is this node's and not open yet.
   */
  async owner(role: Role, partition: number): Promise<string | undefined> {
    const { ownership } = this.#o
    const holding = ownership.of(role, partition)
    if (holding === 'open') return 'here'
    if (holding === 'opening' || holding === 'halted') return undefined
    const members = await this.#members(role, partition)
    const member = members.find(({ partitions }) => partitions.includes(partition))
    return member === undefined ? undefined : this.#otherAddress(member)
  }

  /** Addresses of all other nodes, whatever their roles. */
  async others(): Promise<string[]> {
    const groups = await Promise.all(ROLES.map((role) => this.#members(role)))
    const addresses = groups.flat().map((member) => this.#otherAddress(member))
    return [...new Set(addresses.filter((address) => address !== undefined))].sort()
  }

  /** True where each partition of the role is open here or served at an address. */
  async isWhole(role: Role): Promise<boolean> {
    const partitions = Array.from({ length: this.#o.partitions }, (_, partition) => partition)
    const owners = await Promise.all(partitions.map((partition) => this.owner(role, partition)))
    return owners.every((owner) => owner !== undefined)
  }

  /** Somebody did not answer as the one who has the partition: ask the group soon. */
  doubt(): void {
    for (const [, view] of this.#views) view.doubted = true
  }

  /** A partition left this node: what was known of its group is of before. */
  left(role: Role): void {
    const view = this.#views.get(role)
    if (view !== undefined) view.at = -Infinity
  }

  #otherAddress(member: GroupMember): string | undefined {
    const own = this.#o.ownership.isOwn(member) || member.address === this.#o.address
    return own ? undefined : member.address
  }

  async #members(role: Role, wanted?: number): Promise<readonly GroupMember[]> {
    const view = this.#views.get(role) as View
    const { routeTtlMs, routeRefreshMsMin } = this.#o.limits
    const age = this.#o.clock.now() - view.at
    const lacking =
      wanted !== undefined && !view.members.some(({ partitions }) => partitions.includes(wanted))
    if (age >= routeTtlMs || (age >= routeRefreshMsMin && (lacking || view.doubted))) {
      view.asking ??= this.#ask(role, view).finally(() => (view.asking = undefined))
      await view.asking
    }
    return view.members
  }

  async #ask(role: Role, view: View): Promise<void> {
    const { log, clock, applicationId, signal } = this.#o
    if (signal.aborted) return
    view.at = clock.now()
    view.doubted = false
    const closed = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
    const asked = log.members(`${applicationId}.${role}`).catch(() => undefined)
    const members = await Promise.race([asked, closed])
    if (members !== undefined) view.members = members
  }
}
