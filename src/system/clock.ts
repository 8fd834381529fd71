// The clock: takes alarms, and sends them as messages once an entry's timestamp has passed them.
// Native and trusted; the same `handle` as any contract.
//
// Time is the log's: an alarm fires in the evaluation of an entry that the clock handles at or
// after it, so deadlines are in the log, and whoever replays it sees the same. Anyone may send
// Poke; a node's ticker does when the first alarm is due.
//
// Invariants: C1 an alarm stays until it is sent, is cancelled or replaced by its owner. C2 its
// owner is the process that set it: nobody sets, replaces or cancels those of another. C3 each
// alarm sent has the same hops and count to go on with, whoever's message fired it; what cannot
// give them fires nothing. C4 a request other than Poke keeps half of its count for its sender, so
// that no alarm makes it fail. C5 every result says when the next alarm is due, in an event
// Next-Alarm {At?}.

import {
  contract,
  event,
  forwardedTags,
  notice,
  parseAddress,
  refuse,
  reply,
  tag,
} from '../lib/index.ts'
import type { Action, Handled, Outgoing, Tags } from '../lib/index.ts'
import {
  addAlarm,
  alarmCount,
  alarmsOf,
  emptyBook,
  findAlarm,
  firstAlarm,
  postponeFirst,
  removeAlarm,
} from './alarms.ts'
import type { AlarmBook } from './alarms.ts'
import type { ClockLimits } from './clock-process.ts'

/** Characters of an alarm's name. */
export const NAME_LENGTH_MAX = 64
/** `alarms-full` beyond it. */
export const ALARMS_MAX = 50_000
/** `owner-alarms-full` beyond it. */
export const ALARMS_PER_OWNER_MAX = 64
/** `alarm-time-malformed` below it. */
export const EVERY_MS_MIN = 1_000
/** The last time that a Date has; `alarm-time-malformed` beyond it. */
export const TIME_MS_MAX = 8_640_000_000_000_000

/** Spawned with {limits}; the rest is added. */
export type ClockState = AlarmBook & { readonly limits: ClockLimits }

/** Answers Set-Alarm, Cancel-Alarm, Alarms, Poke and Info; fires what is due first. */
export function handle(state: ClockState, action: Action): Handled<ClockState> {
  const fired = action.kind === 'spawn' ? [] : fire(state, action)
  const { messages = [] } = requests(state, action)
  return { messages: [...fired, ...messages, nextAlarm(state)] }
}

const requests = contract<ClockState>({
  spawn: complete,
  actions: {
    'Set-Alarm': setAlarm,
    'Cancel-Alarm': cancelAlarm,
    Alarms: alarms,
    Poke: poked,
    Info: info,
  },
})

function complete(state: ClockState): undefined {
  Object.assign(state, emptyBook())
}

/** What is due, in order of time and then of sequence; as many as the message can carry. */
function fire(state: ClockState, action: Action): Outgoing[] {
  const now = action.timestamp
  const { alarmHops, alarmCount: count } = state.limits
  const messages: Outgoing[] = []
  for (let left = firedMax(state.limits, action); left > 0; left--) {
    const alarm = firstAlarm(state)
    if (alarm === undefined || alarm.at > now) break
    const { owner, name, at, every } = alarm
    // copied before it goes from the state
    const told: Tags = { ...alarm.tags, Name: name, At: String(at) }
    if (every === 0) {
      removeAlarm(state, owner, name)
    } else {
      const missed = Math.floor((now - at) / every)
      told['Missed'] = String(missed)
      postponeFirst(state, at + (missed + 1) * every)
    }
    messages.push({ ...notice(owner, 'Alarm', told), hops: alarmHops, count })
  }
  return messages
}

/** C3, C4: how many alarms a message may carry. */
function firedMax(limits: ClockLimits, action: Action): number {
  if (action.hops <= limits.alarmHops) return 0
  const kept = isPoke(action) ? Number(isAnswered(action)) : Math.ceil(action.count / 2)
  const carried = Math.floor((action.count - kept) / (1 + limits.alarmCount))
  return Math.min(limits.firedMax, carried)
}

/** Set-Alarm {Name, At or After, Every?, X-…}: of the process that asks; replaces its namesake. */
function setAlarm(state: ClockState, action: Action): Outgoing[] {
  const name = nameOf(action)
  const owner = ownerOf(action)
  const at = dueTime(action)
  const every = interval(action)
  const tags = forwardedTags(action)
  checkTags(tags, state.limits)
  removeAlarm(state, owner, name)
  if (alarmsOf(state, owner).length >= ALARMS_PER_OWNER_MAX) {
    refuse('owner-alarms-full', `${owner} has ${ALARMS_PER_OWNER_MAX} alarms; cancel one first`)
  }
  if (alarmCount(state) >= ALARMS_MAX) {
    refuse('alarms-full', `the clock holds ${ALARMS_MAX} alarms; try again later`)
  }
  addAlarm(state, { owner, name, at, every, tags })
  return answer(action, 'Set-Alarm-Reply', { Name: name, At: String(at) })
}

/** Cancel-Alarm {Name}: one that is not there, or not any more, is no error. */
function cancelAlarm(state: ClockState, action: Action): Outgoing[] {
  const name = nameOf(action)
  const was = removeAlarm(state, ownerOf(action), name)
  return answer(action, 'Cancel-Alarm-Reply', { Name: name, Cancelled: String(was) })
}

/** Alarms {Owner?, Name?}: as data, those of an owner, or the one of that name. */
function alarms(state: ClockState, action: Action): Outgoing[] {
  const owner = parseAddress(tag(action, 'Owner') ?? action.caller, 'Owner')
  const asked = tag(action, 'Name')
  const one = asked === undefined ? undefined : findAlarm(state, owner, asked)
  const found = asked === undefined ? alarmsOf(state, owner) : one === undefined ? [] : [one]
  const list = found.map(({ name, at, every }) => ({ name, at, every }))
  return [reply(action, 'Alarms-Reply', { Owner: owner }, list)]
}

function poked(state: ClockState, action: Action): Outgoing[] {
  return answer(action, 'Poke-Reply', nextTags(state))
}

function info(state: ClockState, action: Action): Outgoing[] {
  const { firedMax: most, alarmHops, alarmCount: count, tagBytesMax } = state.limits
  return [
    reply(action, 'Info-Reply', {
      ...nextTags(state),
      Alarms: String(alarmCount(state)),
      'Alarms-Max': String(ALARMS_MAX),
      'Owner-Alarms-Max': String(ALARMS_PER_OWNER_MAX),
      'Every-Min': String(EVERY_MS_MIN),
      'Tag-Bytes-Max': String(tagBytesMax),
      'Fired-Max': String(most),
      'Alarm-Hops': String(alarmHops),
      'Alarm-Count': String(count),
    }),
  ]
}

function nextAlarm(state: ClockState): Outgoing {
  return event('Next-Alarm', nextTags(state))
}

/** {At}: when the next alarm is due; nothing where there is none. */
function nextTags(state: ClockState): Tags {
  const first = firstAlarm(state)
  return first === undefined ? {} : { At: String(first.at) }
}

/** Only who waits for an answer gets one: it costs a hop, which the request may not have. */
function answer(action: Action, name: string, tags: Tags): Outgoing[] {
  return isAnswered(action) ? [reply(action, name, tags)] : []
}

function isAnswered(action: Action): boolean {
  return action.kind === 'message' && tag(action, 'Reference') !== undefined
}

function isPoke(action: Action): boolean {
  return tag(action, 'Action') === 'Poke'
}

function ownerOf(action: Action): string {
  if (action.from === 'process') return action.caller
  return refuse('alarm-owner-wallet', 'alarms are of processes: a wallet has none')
}

function nameOf(action: Action): string {
  const name = tag(action, 'Name') ?? ''
  if (name.length > 0 && name.length <= NAME_LENGTH_MAX) return name
  return refuse('alarm-name-malformed', `Name must have 1 to ${NAME_LENGTH_MAX} characters`)
}

/** One that is past is due at once: it fires with the next entry that the clock handles. */
function dueTime(action: Action): number {
  const at = tag(action, 'At')
  const after = tag(action, 'After')
  if ((at === undefined) === (after === undefined)) {
    refuse('alarm-time-malformed', 'give either At (ms since the epoch) or After (ms)')
  }
  if (at !== undefined) return wholeMs(at, 'At', TIME_MS_MAX)
  return action.timestamp + wholeMs(after ?? '', 'After', TIME_MS_MAX - action.timestamp)
}

function interval(action: Action): number {
  const every = tag(action, 'Every')
  if (every === undefined) return 0
  const ms = wholeMs(every, 'Every', TIME_MS_MAX - action.timestamp)
  if (ms >= EVERY_MS_MIN) return ms
  return refuse('alarm-time-malformed', `Every must be ${EVERY_MS_MIN} ms or more`)
}

function wholeMs(text: string, name: string, most: number): number {
  if (WHOLE.test(text) && Number(text) <= most) return Number(text)
  return refuse('alarm-time-malformed', `${name} must be a whole number of ms, at most ${most}`)
}

const WHOLE = /^(0|[1-9][0-9]{0,15})$/

function checkTags(tags: Tags, { tagBytesMax }: ClockLimits): void {
  let bytes = 0
  for (const [name, value] of Object.entries(tags)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  if (bytes <= tagBytesMax) return
  refuse('alarm-tags-too-large', `the X- tags have ${bytes} bytes, at most ${tagBytesMax}`)
}
