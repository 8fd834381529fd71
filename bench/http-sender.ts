// The sender of http.ts, an OS process of its own: posts every body of a file, four at a time, and
// tells its parent how many milliseconds that took.

import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { batchItems } from '../src/node/http/batch.ts'

const LANES = 4

const [url, file] = process.argv.slice(2) as [string, string]
const bodies = batchItems(readFileSync(file), 1_000)
const agent = new Agent({ keepAlive: true, maxSockets: LANES })
const begun = performance.now()
const queue = bodies.values()
await Promise.all(
  Array.from({ length: LANES }, async () => {
    for (const body of queue) await post(body)
  }),
)
process.send?.(performance.now() - begun)
agent.destroy()
process.disconnect()

function post(body: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/messages/batch`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume()
      answer.once('end', () => {
        if (answer.statusCode === 202) resolve()
        else reject(new Error(`status ${answer.statusCode}`))
      })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
