// The broker in Docker: it is really there, and it does not outlive the tests, however these end.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { runToEnd } from './java.ts'
import { describeDocker, sharedKafka } from './kafka.ts'
import { eventually } from './waiting.ts'

const MINUTES = 60_000
const STARTER = fileURLToPath(new URL('docker-starter.ts', import.meta.url))

function containers(): Promise<string> {
  return runToEnd('docker', ['ps', '--format', '{{.Names}} {{.Ports}}'])
}

describeDocker('a broker in Docker', () => {
  test('is the one that the run shares', async () => {
    const { bootstrapServers, from } = await sharedKafka()
    expect(from).toBe('docker')
    const port = bootstrapServers.slice(bootstrapServers.lastIndexOf(':') + 1)
    expect(await containers()).toContain(`:${port}->9093/tcp`)
  })

  test(
    'is removed when whoever started it is killed with -9',
    async () => {
      const starter = spawn(process.execPath, [STARTER], { stdio: ['ignore', 'pipe', 'inherit'] })
      const [name] = (await once(starter.stdout, 'data')) as [Buffer]
      expect(await containers()).toContain(String(name))
      starter.kill('SIGKILL')
      await eventually(async () => expect(await containers()).not.toContain(String(name)))
    },
    5 * MINUTES,
  )
})
