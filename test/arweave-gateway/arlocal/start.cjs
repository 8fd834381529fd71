// arlocal on 127.0.0.1, as an OS process of its own: `node start.cjs FOLDER`. Writes its port to
// stdout when it answers; ends when stdin does, so that no test leaves one behind.
//
// What is changed of it, and why: it listens on all interfaces by itself; it watches for the chunks
// of a bundle without a pause; it reads all chunks that it has for each that comes; and its GraphQL
// knows no `bundledIn`, though its tables do.

const { default: ArLocal } = require('arlocal/bin/app.js')
const { ChunkDB } = require('arlocal/bin/db/chunks.js')
const { resolvers } = require('arlocal/bin/graphql/resolvers.js')

const WATCH_PAUSE_MS = 10

const { getRoot } = ChunkDB.prototype
ChunkDB.prototype.getRoot = async function (root) {
  await new Promise((resolve) => setTimeout(resolve, WATCH_PAUSE_MS))
  return getRoot.call(this, root)
}

ChunkDB.prototype.getLastChunkOffset = async function () {
  const [row] = await this.connection('chunks').max('offset as last')
  return row?.last ?? 0
}

resolvers.Transaction.bundledIn = async ({ id }, _, { connection }) => {
  const [row] = await connection('transactions').where({ id }).select('bundledIn')
  return row?.bundledIn ? { id: row.bundledIn } : null
}

async function main() {
  const arlocal = new ArLocal(1984, false, process.argv[2], false)
  arlocal.port = 0
  const listen = arlocal.app.listen.bind(arlocal.app)
  arlocal.app.listen = (port, onListening) => listen(port, '127.0.0.1', onListening)
  const log = console.log
  console.log = () => undefined
  await arlocal.start()
  const server = arlocal.getServer()
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  log(String(server.address().port))
  process.stdin.resume()
  process.stdin.on('end', () => process.exit(0))
}

void main()
