// The body of POST /messages/batch: (u32 big-endian length | data item) one or more times, nothing
// after the last.
//
// Not an ANS-104 bundle: that asks for every item's id before the first, which a sender that
// streams does not have yet, and says each thing twice, so that two readers could see two different
// batches.

import { HbError } from '../../std/errors.ts'

/** Views of the body's items, in order. Throws `batch-malformed` or `batch-too-many`. */
export function batchItems(body: Buffer, itemsMax: number): Buffer[] {
  const items: Buffer[] = []
  for (let at = 0; at < body.length;) {
    if (items.length === itemsMax) throw new HbError('batch-too-many', `at most ${itemsMax}`)
    if (body.length < at + 4) throw new HbError('batch-malformed', `cut off at byte ${at}`)
    const end = at + 4 + body.readUInt32BE(at)
    if (end > body.length) throw new HbError('batch-malformed', `the item at byte ${at} is cut off`)
    if (end === at + 4) throw new HbError('batch-malformed', `an empty item at byte ${at}`)
    items.push(body.subarray(at + 4, end))
    at = end
  }
  if (items.length === 0) throw new HbError('batch-malformed', 'no items')
  return items
}
