// A machine of the simulated network with a program on it: started, stopped, killed, frozen, started
// again on the same disk or an empty one.
// Owners: who made it (sim-network.ts, ../archive/sinks.ts). Invariant: one host (a life of the OS
// process) at a time.

import { Disk } from '../world/disk.ts'
import { Host } from '../world/host.ts'
import type { World } from '../world/world.ts'

export abstract class SimMachine {
  readonly name: string
  protected readonly world: World
  protected readonly disk: Disk
  #lives = 0
  #host: Host
  /** Gets each host that it starts on, before anything runs there. */
  onHost: ((host: Host) => void) | undefined
  /** Off by so much when it starts next, ms. */
  clockErrorMs = 0
  /** For good: what was to start it later does not. */
  isScrapped = false

  constructor(world: World, name: string) {
    this.world = world
    this.name = name
    this.disk = new Disk(world)
    this.#host = this.#newHost()
    this.#host.die()
  }

  get host(): Host {
    return this.#host
  }

  get isUp(): boolean {
    return this.#host.isAlive
  }

  abstract start(): void

  /** SIGTERM: it finishes, leaves its groups and is gone. */
  abstract stop(): void

  kill(): void {
    if (!this.#host.isAlive) return
    this.world.trace(`${this.#host.name} is killed`)
    this.#host.die()
  }

  scrap(): void {
    this.kill()
    this.isScrapped = true
  }

  async losePower(): Promise<void> {
    this.kill()
    await this.disk.losePower()
  }

  clearDisk(): void {
    this.disk.clear()
  }

  /** A new life begins. */
  protected begin(): Host {
    this.#host = this.#newHost()
    this.world.trace(`${this.#host.name} starts`)
    return this.#host
  }

  /** Closes what runs; this life ends when that is done. */
  protected end(close: () => Promise<void>): void {
    const host = this.#host
    this.world.trace(`${host.name} stops`)
    close().then(
      () => host.die(),
      (error: unknown) => {
        if (host.isAlive) this.world.fail(error)
      },
    )
  }

  #newHost(): Host {
    const host = new Host(this.world, `${this.name}.${this.#lives++}`)
    host.clockErrorMs = this.clockErrorMs
    this.onHost?.(host)
    return host
  }
}
