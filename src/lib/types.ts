// What a contract sees and gives back: the words shared by every contract and by the host.
// Owners: types only. Invariant: everything here is JSON, because state, actions and messages cross
// the sandbox as such.

/** A JSON object with named fields of one type: balances, tags, stakes. */
export type Fields<T> = { [name: string]: T }

/** One entry of the log as `handle` sees it, as its second argument. */
export type Action = {
  readonly kind: 'message' | 'notice' | 'bounce' | 'spawn' | 'upgrade'
  /** Wallet address or process id of the sender; of a bounce, the process that failed. */
  readonly caller: string
  readonly from: 'wallet' | 'process' | 'genesis'
  /** The data parsed as JSON where its Content-Type says so, else null. */
  readonly input: unknown
  readonly id: string
  readonly height: number
  readonly slot: number
  /** Ms since the epoch, from the log: the only time there is. */
  readonly timestamp: number
  /** First value of each name. */
  readonly tags: Readonly<Record<string, string>>
  /** Text where the bytes are valid UTF-8, else base64url of them (dataEncoding says which). */
  readonly data: string
  readonly dataEncoding: 'utf8' | 'base64url'
  /** How many further messages in a chain this one may cause. */
  readonly hops: number
  /** How many further messages, in all, this one may cause. */
  readonly count: number
  readonly budget: string
}

/** A message as a contract returns it; `kind` is 'message' where absent. */
export type Outgoing = {
  target?: string
  tags?: Record<string, string>
  /** Text, or a JSON value (then Content-Type application/json is added). */
  data?: unknown
  /**
   * message: bounces on failure. notice: never bounces, may go to a wallet. event: for watchers
   * only. spawn: makes a process. upgrade: to itself, gives it another module.
   */
  kind?: 'message' | 'notice' | 'event' | 'spawn' | 'upgrade'
  /** Of a spawn: makes the child's id one that `childId` tells beforehand. */
  salt?: string
  hops?: number
  count?: number
  budget?: string
}

/**
 * What `handle` returns. No `state`: as written in place. Any status but 'ok' is an error and its
 * text.
 */
export type Handled<S> = { state?: S; messages?: Outgoing[]; status?: string }

export type Handle<S> = (state: S, action: Action) => Handled<S>
