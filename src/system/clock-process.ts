// The clock as a process of genesis: its name, its module, and how much an alarm may carry within
// the network's limits.
//
// Invariant: whatever the limits are, an alarm that was taken can be sent: its tags fit a message,
// and a wallet's message can have the hops and the count for it.

import type { GenesisProcess } from '../protocol/genesis.ts'
import type { ProtocolLimits } from '../protocol/limits.ts'
import { defaultLimits } from '../protocol/limits.ts'

/** The name of its process. */
export const CLOCK = 'clock'
export const CLOCK_MODULE = 'hb-clock@1'

/** Alarms that one message fires, by default. */
export const ALARMS_FIRED_MAX = 32
/** Hops and count that each alarm has to go on with, by default. */
export const ALARM_HOPS = 32
export const ALARM_COUNT = 256
/** Bytes of an alarm's X- tags, names and values; `alarm-tags-too-large` beyond it. */
export const ALARM_TAG_BYTES_MAX = 512

/** Bytes of an alarm's other tags: a name of 64 characters, two numbers of 16 digits. */
const OWN_TAG_BYTES = 256
/** Of an outbox, its alarms leave room for a reply and an event. */
const OTHER_MESSAGES = 2
/** What an alarm may be in the outbox, and what it and its changes may be in the output. */
const OUTBOX_BYTES = 1_024
const OUTPUT_UNITS = 8_192

export type ClockLimits = {
  readonly firedMax: number
  readonly alarmHops: number
  readonly alarmCount: number
  readonly tagBytesMax: number
}

export function clockLimits(limits: ProtocolLimits): ClockLimits {
  const { outboxMessagesMax, outboxBytesMax, outputBytesMax, hopsMax, countMax } = limits
  const carried = Math.min(
    outboxMessagesMax - OTHER_MESSAGES,
    Math.floor(outboxBytesMax / OUTBOX_BYTES) - OTHER_MESSAGES,
    Math.floor(outputBytesMax / OUTPUT_UNITS),
  )
  return {
    firedMax: Math.max(1, Math.min(ALARMS_FIRED_MAX, carried)),
    alarmHops: Math.min(ALARM_HOPS, hopsMax - 1),
    alarmCount: Math.min(ALARM_COUNT, countMax - 1),
    tagBytesMax: Math.min(ALARM_TAG_BYTES_MAX, limits.tagBytesMax - OWN_TAG_BYTES),
  }
}

/** For `makeGenesis`, with the limits that it is given. */
export function clockProcess(limits: Partial<ProtocolLimits> = {}): Omit<GenesisProcess, 'nonce'> {
  const state = { limits: clockLimits({ ...defaultLimits(), ...limits }) }
  return { name: CLOCK, engine: 'native', source: CLOCK_MODULE, state }
}
