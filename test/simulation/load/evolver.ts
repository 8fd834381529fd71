// What the upgrades workload upgrades, as the sandbox gets it, and the models of it: versions that
// migrate what the one before left, one without `migrate`, and those whose migration cannot hold.
//
// Invariant: a version works only on a state of its own form, so that a module that meets another's
// state shows in the first result.

import type { Call, Json, MakeModel, Sent } from './model/model.ts'
import { message, modelOf, refuse, Refused } from './model/model.ts'

/** Sends its upgrade between two messages to itself: one before it, one behind it. */
const handleOf = (version: number): string => `exports.handle = (state, action) => {
  const { kind, caller, tags, data } = action
  if (kind === 'spawn') {
    state.self = action.input.process
    return {}
  }
  if (kind === 'bounce') {
    state.bounces[tags.Error] = (state.bounces[tags.Error] ?? 0) + 1
    return {}
  }
  if (tags.Action === 'Work') {
    if (state.version !== ${version}) throw new Error('state of version ' + state.version)
    state.worked[${version}] = (state.worked[${version}] ?? 0) + 1
    return {}
  }
  if (tags.Action !== 'Upgrade') throw new Error('action-unknown')
  if (caller !== state.owner) throw new Error('owner-only')
  const to = tags.Module === undefined ? { source: data } : { module: tags.Module }
  const work = { target: state.self, tags: { Action: 'Work' } }
  const target = tags.Whom ?? state.self
  return { messages: [work, { kind: 'upgrade', target, data: to }, work] }
}
`

type State = {
  readonly owner: string
  self: string
  version: number
  migrated: number
  worked: Record<string, number>
  bounces: Record<string, number>
}
type Version = {
  readonly version: number
  /** Of the script; '' for none. */
  readonly migrate: string
  /** The same as a model; undefined where what is asked for is nothing. */
  readonly migrated?: (state: State) => Sent[]
}

const work = (target: string): Sent => message(target, { Action: 'Work' })

function writes(state: State, version: number): void {
  state.version = version
  state.migrated += 1
}

const VERSIONS: readonly Version[] = [
  { version: 1, migrate: '' },
  {
    version: 2,
    migrate: `exports.migrate = (state) => {
      state.version = 2
      state.migrated += 1
      return { messages: [{ target: state.self, tags: { Action: 'Work' } }] }
    }`,
    migrated: (state) => {
      writes(state, 2)
      return [work(state.self)]
    },
  },
  {
    version: 3,
    migrate: `exports.migrate = (state) => {
      return { state: { ...state, version: 3, migrated: state.migrated + 1 } }
    }`,
    migrated: (state) => {
      writes(state, 3)
      return []
    },
  },
  {
    version: 4,
    migrate: `exports.migrate = async (state, { caller }) => {
      await null
      state.migrated += 1
      if (caller === state.self) state.version = 4
    }`,
    migrated: (state) => {
      writes(state, 4)
      return []
    },
  },
  {
    version: 5,
    migrate: `exports.migrate = (state) => {
      state.version = 5
      throw new Error('not from version ' + state.migrated)
    }`,
    migrated: ({ migrated }) => refuse(`not from version ${migrated}`),
  },
  {
    version: 6,
    migrate: 'exports.migrate = (state) => { for (;;) state.version = 6 }',
    migrated: () => failed('gas-exhausted'),
  },
  {
    version: 7,
    migrate: `exports.migrate = (state) => {
      state.version = 7
      return { messages: [{ target: state.self, count: 1000000 }] }
    }`,
    migrated: (state) => [{ ...work(state.self), count: 1_000_000 }],
  },
  { version: 8, migrate: '}', migrated: () => failed('module-invalid') },
]

const SOURCES = VERSIONS.map(({ version, migrate }) => handleOf(version) + migrate)

/** What an evolver is spawned with. */
export const [EVOLVER = ''] = SOURCES
/** Each of them, those included that nobody can run. */
export const EVOLVERS: readonly string[] = SOURCES
/** The script of nobody, which is no contract. */
export const MUTE = 'exports.migrate = () => ({})'

/** By source. */
export const EVOLVER_MODELS: readonly (readonly [string, MakeModel])[] = [
  ...VERSIONS.map((each, at) => [SOURCES[at] as string, makeModel(each)] as const),
  [MUTE, makeModel({ version: 0, migrate: '', migrated: () => failed('module-invalid') })],
]

export function evolverState(owner: string): Omit<State, 'self'> {
  return { owner, version: 1, migrated: 0, worked: {}, bounces: {} }
}

function failed(code: string): never {
  throw new Refused(code, '')
}

/** Made of the state that the spawn gave, or that the version before left. */
function makeModel({ version, migrated = () => [] }: Version): MakeModel {
  return (left, self) =>
    modelOf<State>(
      { ...(left as State), self },
      {
        handle: (state, call) =>
          call.kind === 'upgrade' ? migrated(state) : handle(state, call, version),
        expected: (state) => shown(state),
        seen: (state) => shown(state as Json & State),
      },
    )
}

function shown({ version, migrated, worked, bounces, self }: State): unknown {
  return { version, migrated, worked, bounces, self }
}

function handle(state: State, { kind, caller, tag }: Call, version: number): Sent[] {
  if (kind === 'spawn') return []
  if (kind === 'bounce') {
    const code = tag('Error') ?? ''
    state.bounces[code] = (state.bounces[code] ?? 0) + 1
    return []
  }
  const action = tag('Action')
  if (action === 'Work') {
    if (state.version !== version) refuse(`state of version ${state.version}`)
    state.worked[version] = (state.worked[version] ?? 0) + 1
    return []
  }
  if (action !== 'Upgrade') refuse('action-unknown')
  if (caller !== state.owner) refuse('owner-only')
  const upgrade = message(tag('Whom') ?? state.self, { 'HB-Upgrade': 'Module' })
  return [work(state.self), upgrade, work(state.self)]
}
