// Runs a development tool as its users do: as an OS process of its own, with this Node.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The checkout's folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export type ToolRun = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** `script`: a file of the checkout, e.g. 'node_modules/typescript/bin/tsc'. */
export function runTool(script: string, args: readonly string[], cwd = ROOT): Promise<ToolRun> {
  return runProgram(process.execPath, [`${ROOT}${script}`, ...args], { cwd })
}

export function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<ToolRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      const stdout = Buffer.concat(out).toString()
      resolve({ code: code ?? -1, stdout, stderr: Buffer.concat(err).toString() })
    })
  })
}

/** The environment for another test runner: jest's own settings are not for it. */
export function withoutRunner(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
  return { ...env, ...more }
}
