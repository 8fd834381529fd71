// Java and Maven on this machine: whether they can run a broker, and how a program is run to its
// end.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What a broker of Kafka 4 needs. */
export const JAVA_VERSION_MIN = 17

/** A program of JAVA_HOME where that is set, as every Java tool does, else the one on the PATH. */
export function javaCommand(program = 'java'): string {
  const home = process.env['JAVA_HOME']
  return home === undefined || home === '' ? program : join(home, 'bin', program)
}

/** 17 of 'openjdk version "17.0.15" …', 8 of '"1.8.0_402"'; undefined where there is no version. */
export function javaVersionOf(output: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? []
  if (first === undefined) return undefined
  return Number(first === '1' ? second : first)
}

/** Why brokers cannot run on a JVM here, in a few words; undefined where they can. */
export function whyNoJvm(): string | undefined {
  if (process.platform === 'win32') return 'brokers on a JVM are not started on Windows'
  const run = spawnSync(javaCommand(), ['-version'], { encoding: 'utf8' })
  const version = run.error === undefined ? javaVersionOf(run.stderr) : undefined
  if (version === undefined) return 'no Java'
  if (version < JAVA_VERSION_MIN) return `Java ${version} is older than ${JAVA_VERSION_MIN}`
  return isOnPath('mvn') ? undefined : 'no Maven (mvn)'
}

function isOnPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)))
}

/** Resolves with what it wrote; rejects with all of that if it ends with another code than 0. */
export function runToEnd(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const output = Buffer.concat(chunks).toString()
      if (code === 0) resolve(output)
      else reject(new Error(`${program} ended with ${code ?? signal}:\n${output}`))
    })
  })
}
