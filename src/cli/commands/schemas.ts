// hb schemas: the schemas of the topics in a schema registry: registered, or compared with what
// this version ships.

import type { Command } from 'commander'
import type { Compared, Registered, Subject, SubjectRegistry } from '../../schemas/index.ts'
import { HbError } from '../../std/errors.ts'
import { DEFAULT_APPLICATION_ID } from '../broker.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { jsonOption } from '../options.ts'
import type { RegistryOptions } from '../schema-registry.ts'
import { registryOption, registryPlace } from '../schema-registry.ts'
import { jsonForTerminal, paint, printable } from '../terminal.ts'

const HELP = `
register  registers what this version ships; what is registered already stays as it is
check     says per subject whether it is what this version ships, and compatible; exit code 1
diff      shows what differs, place by place

A registry is a help to other Kafka clients: no node needs one for the topics of the network.

Examples:
  hb schemas register --schema-registry-url http://registry:8081
  hb schemas check --command-config client.properties
  hb schemas diff --schema-registry-url http://registry:8081 --json`

type Options = RegistryOptions & { readonly applicationId: string; readonly json?: true }
type Subjects = readonly Subject[]
type Act = (
  context: CommandContext,
  registry: SubjectRegistry,
  subjects: Subjects,
  json: boolean,
) => Promise<void>

export function addSchemas(program: Command, context: CommandContext): void {
  const schemas = program
    .command('schemas')
    .description('register, check and compare schemas in a schema registry')
    .addHelpText('after', HELP)
  const add = (name: string, text: string, act: Act): void => {
    const command = registryOption(schemas.command(name).description(text))
      .option('--command-config <file>', 'a client.properties with the keys of the registry')
      .option('--application-id <name>', 'prefix of the topics', DEFAULT_APPLICATION_ID)
    jsonOption(command).action((options: Options) => run(context, options, act))
  }
  add('register', 'register the schemas of this version', register)
  add('check', 'say whether what is registered fits this version', check)
  add('diff', 'show what differs from this version', diff)
}

async function run(context: CommandContext, options: Options, act: Act): Promise<void> {
  const warn = (text: string): void => context.terminal.err(`warning: ${text}`)
  const place = await registryPlace(options, warn)
  if (place === undefined) {
    throw new HbError('usage', 'schemas are in a registry: give --schema-registry-url')
  }
  const { SubjectRegistry, subjectsOf } = await import('../../schemas/index.ts')
  const subjects = subjectsOf(options.applicationId)
  await act(context, new SubjectRegistry(place), subjects, options.json === true)
}

const register: Act = async ({ terminal }, registry, subjects, json) => {
  const { COMPATIBILITY } = await import('../../schemas/index.ts')
  const done: Registered[] = []
  for (const subject of subjects) done.push(await registry.register(subject))
  if (json) return terminal.out(jsonForTerminal({ ok: true, subjects: done }))
  for (const { subject, id, version, compatibility } of done) {
    terminal.out(`${subject}  version ${version}, id ${id}, ${printable(compatibility)}`)
  }
  const others = done.filter(({ compatibility }) => compatibility !== COMPATIBILITY)
  if (others.length === 0) return
  terminal.err(`warning: the registry does not offer ${COMPATIBILITY}: it keeps what is shown`)
}

const check: Act = async (context, registry, subjects, json) => {
  const { terminal } = context
  const compared = await compareAll(registry, subjects)
  const rows = compared.map(({ differences, ...rest }) => {
    const isSame = differences.length === 0
    const state = rest.version === undefined ? 'missing' : isSame ? 'same' : 'different'
    return { ...rest, state, ok: state === 'same' && rest.compatible }
  })
  const ok = rows.every((row) => row.ok)
  context.exitCode = ok ? EXIT.ok : EXIT.failed
  if (json) return terminal.out(jsonForTerminal({ ok, subjects: rows }))
  const { green, red } = paint(terminal.color)
  for (const row of rows) {
    const held = row.compatibility === undefined ? '' : `, ${printable(row.compatibility)}`
    const taken = row.compatible ? 'would be accepted' : 'would be refused'
    const version = row.version === undefined ? '' : ` (version ${row.version}${held})`
    const mark = row.ok ? green('ok') : red(row.state === 'same' ? 'incompatible' : row.state)
    terminal.out(`${mark} ${row.subject}${version}${row.ok ? '' : `: this version's ${taken}`}`)
  }
}

const diff: Act = async (context, registry, subjects, json) => {
  const { terminal } = context
  const compared = await compareAll(registry, subjects)
  const ok = compared.every(({ differences }) => differences.length === 0)
  context.exitCode = ok ? EXIT.ok : EXIT.failed
  if (json) return terminal.out(jsonForTerminal({ ok, subjects: compared }))
  const { green, red, bold } = paint(terminal.color)
  for (const { subject, version, differences } of compared) {
    if (differences.length === 0) continue
    const where = version === undefined ? 'not registered' : `version ${version}, and this one`
    terminal.out(bold(`${subject} (${where})`))
    if (version === undefined) continue
    for (const { path, registered, shipped } of differences) {
      if (registered !== undefined) terminal.out(red(`- ${printable(`${path}: ${registered}`)}`))
      if (shipped !== undefined) terminal.out(green(`+ ${printable(`${path}: ${shipped}`)}`))
    }
  }
}

async function compareAll(registry: SubjectRegistry, subjects: Subjects): Promise<Compared[]> {
  const compared: Compared[] = []
  for (const subject of subjects) compared.push(await registry.compare(subject))
  return compared
}
