// The body of POST /messages/batch: (u32 big-endian length | data item) one or more times.

/** One body out of signed items. */
export function frameBatch(items: readonly Uint8Array[]): Buffer {
  const body = Buffer.allocUnsafe(items.reduce((bytes, item) => bytes + 4 + item.length, 0))
  let at = 0
  for (const item of items) {
    at = body.writeUInt32BE(item.length, at)
    body.set(item, at)
    at += item.length
  }
  return body
}
