// Data folders of brokers: formatted by Kafka's own tool, or copied from one that was, with ids of
// its own (a copy takes milliseconds, the tool a second and a half).

import { randomBytes } from 'node:crypto'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { javaCommand, runToEnd } from './java.ts'
import { jvmArguments, STORAGE_CLASS } from './kafka-jvm.ts'
import type { KafkaInstall } from './kafka-jvm.ts'
import { brokerProperties, propertiesText } from './kafka-properties.ts'

const TEMPLATE = 'template'
const IDS_FILE = 'meta.properties'

export type ScramUser = {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly name: string
  readonly password: string
}

/** 16 random bytes, base64 for URLs. One that begins with "-" would look like an option. */
export function kafkaId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? kafkaId() : id
}

/** Formats the data folder that `propertiesFile` names, with these users in the cluster. */
export async function formatStorage(
  install: KafkaInstall,
  propertiesFile: string,
  clusterId: string,
  users: readonly ScramUser[] = [],
): Promise<void> {
  const scram = users.flatMap(({ mechanism, name, password }) => [
    '--add-scram',
    `${mechanism}=[name=${name},password=${password}]`,
  ])
  const program = [STORAGE_CLASS, 'format', '-t', clusterId, '-c', propertiesFile, ...scram]
  await runToEnd(javaCommand(), jvmArguments(install, program), { cwd: install.dir })
}

/** The folder that `copyTemplate` copies, in the install. */
export async function formatTemplate(install: KafkaInstall): Promise<void> {
  const file = join(install.dir, 'template.properties')
  const dataDir = join(install.dir, TEMPLATE)
  const place = { id: 1, host: '127.0.0.1', ports: { PLAINTEXT: 1, CONTROLLER: 2 }, dataDir }
  await writeFile(file, propertiesText(brokerProperties(place, [place])))
  await formatStorage(install, file, kafkaId())
}

/** A formatted data folder at `dataDir`, for broker `id` of that cluster. */
export async function copyTemplate(
  install: KafkaInstall,
  dataDir: string,
  id: number,
  clusterId: string,
): Promise<void> {
  await cp(join(install.dir, TEMPLATE), dataDir, { recursive: true })
  const file = join(dataDir, IDS_FILE)
  const own = { 'node.id': String(id), 'cluster.id': clusterId, 'directory.id': kafkaId() }
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => {
    const [name = ''] = line.split('=')
    return name in own ? `${name}=${own[name as keyof typeof own]}` : line
  })
  await writeFile(file, lines.join('\n'))
}
