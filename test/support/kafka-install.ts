// Apache Kafka as Maven Central has it, in a folder of the user's cache: libraries, a formatted
// data folder to copy from, and the JVM's own archive of loaded classes. Fetched by Maven alone,
// once per version and recipe.
//
// Invariants: those of install-once.ts, and
//   K1  The name of the folder holds the hash of all that it was made from: a change of the
//       recipe installs anew.

import { createHash } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, installOnce } from './install-once.ts'
import { runToEnd } from './java.ts'
import { LOGGING_FILES } from './kafka-jvm.ts'
import type { KafkaInstall, KafkaVersion } from './kafka-jvm.ts'
import { archiveClasses } from './kafka-cluster.ts'
import { formatTemplate } from './kafka-storage.ts'

type Artifact = readonly [group: string, name: string, version: string]

/** 3.9 logs through reload4j, 4.x through log4j 2; neither brings the binding to slf4j. */
const ARTIFACTS: Readonly<Record<KafkaVersion, readonly Artifact[]>> = {
  '3.9': [
    ['org.apache.kafka', 'kafka_2.13', '3.9.2'],
    ['org.slf4j', 'slf4j-reload4j', '1.7.36'],
  ],
  '4.1': [
    ['org.apache.kafka', 'kafka_2.13', '4.1.0'],
    ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.24.3'],
    ['org.apache.logging.log4j', 'log4j-core', '2.24.3'],
  ],
}

const FETCH_ATTEMPTS = 3

/** Fetches it if it is not there yet (some 50 MB, about 20 s); says so on stderr. */
export async function installKafka(
  version: KafkaVersion,
  cache = cacheFolder(),
): Promise<KafkaInstall> {
  const pom = pomOf(ARTIFACTS[version])
  const recipe = createHash('sha256')
    .update(JSON.stringify([pom, LOGGING_FILES]))
    .digest('hex')
    .slice(0, 8)
  const name = `kafka-${ARTIFACTS[version][0]?.[2]}-${recipe}`
  const what = { cache, name, what: `Kafka ${version}` }
  const dir = await installOnce(what, (making) => make(version, pom, making))
  return { version, dir, classPath: await classPathOf(dir) }
}

async function make(version: KafkaVersion, pom: string, making: string): Promise<void> {
  await writeFile(join(making, 'pom.xml'), pom)
  for (const [name, text] of Object.entries(LOGGING_FILES)) {
    await writeFile(join(making, name), text)
  }
  await fetchLibraries(making)
  const install = { version, dir: making, classPath: await classPathOf(making) }
  await formatTemplate(install)
  await archiveClasses(install)
}

/** A fetch of forty files over a network may fail once; what Maven has got it does not get again. */
async function fetchLibraries(making: string): Promise<void> {
  const args = ['-q', '-B', '-f', join(making, 'pom.xml'), 'dependency:copy-dependencies']
  const output = [`-DoutputDirectory=${join(making, 'libs')}`, '-DincludeScope=runtime']
  for (let attempt = 1; ; attempt++) {
    try {
      await runToEnd('mvn', [...args, ...output])
      return
    } catch (error) {
      if (attempt === FETCH_ATTEMPTS) throw error
    }
  }
}

async function classPathOf(dir: string): Promise<string> {
  const names = (await readdir(join(dir, 'libs'))).filter((name) => name.endsWith('.jar'))
  return names
    .sort()
    .map((name) => `libs/${name}`)
    .join(':')
}

function pomOf(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(
    ([group, name, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId>` +
      `<version>${version}</version></dependency>`,
  )
  return [
    '<project>',
    '<modelVersion>4.0.0</modelVersion><groupId>hollowbeam</groupId>',
    '<artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>',
    '<dependencies>',
    ...dependencies,
    '</dependencies></project>',
    '',
  ].join('\n')
}
