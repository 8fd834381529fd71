// The clock as a model: alarms in a plain list, looked through each time. It says of every entry
// which alarms it must fire, so one that is lost, doubled, early or out of order is told.

import type { Call, MakeModel, Sent } from './model.ts'
import { isAddress, modelOf, notice, refuse } from './model.ts'

type Alarm = {
  readonly owner: string
  readonly name: string
  readonly at: number
  readonly every: number
  readonly sequence: number
  readonly tags: Readonly<Record<string, string>>
}
type Limits = {
  readonly firedMax: number
  readonly alarmHops: number
  readonly alarmCount: number
}
type State = { readonly limits: Limits; alarms: Alarm[]; sequence: number }

const PER_OWNER_MAX = 64
const TIME_MAX = 8_640_000_000_000_000

export const clockModel: MakeModel = ({ limits }) =>
  modelOf<State>(
    { limits: limits as Limits, alarms: [], sequence: 0 },
    {
      handle,
      expected: ({ alarms }) =>
        [...alarms].sort((a, b) => a.sequence - b.sequence).map((each) => shown(each)),
      seen: (state) => {
        const alarms = Object.entries(state['alarms'] as Record<string, Alarm>)
        const known = alarms.map(([sequence, each]) => ({ ...each, sequence: Number(sequence) }))
        return known.sort((a, b) => a.sequence - b.sequence).map((each) => shown(each))
      },
    },
  )

function shown({ owner, name, at, every, tags }: Alarm): unknown {
  return { owner, name, at, every, tags }
}

function handle(state: State, call: Call): Sent[] {
  const fired = call.kind === 'spawn' ? [] : fire(state, call)
  const answers = call.kind === 'message' ? requested(state, call) : []
  const next = notice('', 'Next-Alarm', { At: due(state) })
  return [...fired, ...answers, { ...next, kind: 'event' }]
}

/** By time, then in the order in which they were set. */
function firstOf({ alarms }: State): Alarm | undefined {
  const sorted = [...alarms].sort((a, b) => a.at - b.at || a.sequence - b.sequence)
  return sorted[0]
}

function due(state: State): string | undefined {
  const first = firstOf(state)
  return first === undefined ? undefined : String(first.at)
}

function fire(state: State, call: Call): Sent[] {
  const { firedMax, alarmHops, alarmCount: count } = state.limits
  if (call.hops <= alarmHops) return []
  const isPoke = call.tag('Action') === 'Poke'
  const kept = isPoke ? (isAnswered(call) ? 1 : 0) : Math.ceil(call.count / 2)
  const most = Math.min(firedMax, Math.floor((call.count - kept) / (count + 1)))
  const sent: Sent[] = []
  for (let first = firstOf(state); first !== undefined; first = firstOf(state)) {
    if (sent.length >= most || first.at > call.timestamp) break
    const { owner, name, at, every, tags } = first
    const others = state.alarms.filter((each) => each !== first)
    const missed = every === 0 ? 0 : Math.floor((call.timestamp - at) / every)
    if (every !== 0) others.push({ ...first, at: at + (missed + 1) * every })
    state.alarms = others
    const told = { ...tags, Name: name, At: String(at) }
    const repeats = every === 0 ? { Missed: undefined } : { Missed: String(missed) }
    sent.push({ ...notice(owner, 'Alarm', { ...told, ...repeats }), hops: alarmHops, count })
  }
  return sent
}

function requested(state: State, call: Call): Sent[] {
  const { caller } = call
  switch (call.tag('Action')) {
    case 'Set-Alarm':
      return setAlarm(state, call)
    case 'Cancel-Alarm': {
      const name = nameOf(call)
      owned(call)
      const left = state.alarms.filter((each) => each.owner !== caller || each.name !== name)
      const Cancelled = String(left.length < state.alarms.length)
      state.alarms = left
      return answer(call, 'Cancel-Alarm-Reply', { Name: name, Cancelled })
    }
    case 'Alarms': {
      const Owner = call.tag('Owner') ?? caller
      if (!isAddress(Owner)) refuse('address-malformed')
      return [notice(caller, 'Alarms-Reply', { Owner })]
    }
    case 'Poke':
      return answer(call, 'Poke-Reply', { At: due(state) })
    case 'Info': {
      const held = String(state.alarms.length)
      return [notice(caller, 'Info-Reply', { Alarms: held, At: due(state) })]
    }
    default:
      return refuse('action-unknown')
  }
}

function setAlarm(state: State, call: Call): Sent[] {
  const { caller: owner, timestamp } = call
  const name = nameOf(call)
  owned(call)
  const [at, after] = [call.tag('At'), call.tag('After')]
  if ((at === undefined) === (after === undefined)) refuse('alarm-time-malformed')
  const time =
    at === undefined ? timestamp + whole(after, TIME_MAX - timestamp) : whole(at, TIME_MAX)
  const repeats = call.tag('Every')
  const every = repeats === undefined ? 0 : whole(repeats, TIME_MAX - timestamp)
  if (repeats !== undefined && every < 1_000) refuse('alarm-time-malformed')
  const others = state.alarms.filter((each) => each.owner !== owner || each.name !== name)
  const own = others.filter((each) => each.owner === owner)
  if (own.length >= PER_OWNER_MAX) refuse('owner-alarms-full')
  const { sequence } = state
  state.alarms = [...others, { owner, name, at: time, every, sequence, tags: call.forwarded }]
  state.sequence += 1
  return answer(call, 'Set-Alarm-Reply', { Name: name, At: String(time) })
}

function nameOf(call: Call): string {
  const name = call.tag('Name') ?? ''
  return name.length > 0 && name.length <= 64 ? name : refuse('alarm-name-malformed')
}

function owned({ from }: Call): void {
  if (from !== 'process') refuse('alarm-owner-wallet')
}

function whole(text: string | undefined, most: number): number {
  const isWhole = text !== undefined && /^(0|[1-9][0-9]{0,15})$/.test(text)
  return isWhole && Number(text) <= most ? Number(text) : refuse('alarm-time-malformed')
}

function answer(call: Call, action: string, tags: Sent['tags']): Sent[] {
  return isAnswered(call) ? [notice(call.caller, action, tags)] : []
}

function isAnswered(call: Call): boolean {
  return call.kind === 'message' && call.tag('Reference') !== undefined
}
