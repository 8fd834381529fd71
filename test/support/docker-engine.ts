// Whether a Docker engine answers, found out without the weight of a Docker client: runs that touch
// no Kafka test ask as well.

import { existsSync } from 'node:fs'
import { request } from 'node:http'
import type { RequestOptions } from 'node:http'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'

const ANSWER_MS_MAX = 2_000

/** Where engines listen, in the order in which testcontainers looks. */
function sockets(): string[] {
  const runtime = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${userInfo().uid}`
  return [
    '/var/run/docker.sock',
    join(runtime, 'docker.sock'),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.docker/desktop/docker.sock'),
  ]
}

/** In a few words; undefined where one answers. DOCKER_HOST goes before all sockets. */
export async function whyNoDocker(): Promise<string | undefined> {
  const host = process.env['DOCKER_HOST'] ?? ''
  const places: RequestOptions[] =
    host === ''
      ? sockets()
          .filter((path) => existsSync(path))
          .map((socketPath) => ({ socketPath }))
      : [placeOf(host)]
  for (const place of places) if (await answers(place)) return undefined
  return host === '' ? 'no Docker engine' : 'no Docker engine at DOCKER_HOST'
}

function placeOf(host: string): RequestOptions {
  const { protocol, hostname, port, pathname } = new URL(host)
  return protocol === 'unix:' ? { socketPath: pathname } : { host: hostname, port: port || 2375 }
}

function answers(place: RequestOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...place, path: '/_ping', timeout: ANSWER_MS_MAX }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
    asked.end()
  })
}
