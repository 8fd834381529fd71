// Where a file archive keeps an item: a path that its tags and id give, so that people find their
// way, and so that what was renamed or altered in its head shows.
//
//   <network>/<generation>/<partition>/<from>-<to>.<id>    a segment (heights of twelve digits)
//   <network>/<id>                                         another item that names a network
//   other/<id>                                             any other
//
// Invariant: an item has one path.

import type { Tag } from '../../protocol/ans104/index.ts'
import { tagValue } from '../../protocol/message.ts'
import { isIdText } from '../../std/bytes.ts'

const WHOLE = /^(0|[1-9][0-9]{0,14})$/
const HEIGHT_DIGITS = 12

/** Parts of the path below the archive's directory. */
export function pathOf(tags: readonly Tag[], id: string): string[] {
  const folders = foldersOf(tags)
  const from = wholeTag(tags, 'HB-From')
  const to = wholeTag(tags, 'HB-To')
  if (folders.length < 3 || from === undefined || to === undefined) {
    return [folders[0] ?? 'other', id]
  }
  const [first, last] = [from, to].map((height) => height.padStart(HEIGHT_DIGITS, '0'))
  return [...folders, `${first}-${last}.${id}`]
}

/** Where items with these tags must be; fewer tags, fewer folders. */
export function foldersOf(tags: readonly Tag[]): string[] {
  const network = tagValue(tags, 'HB-Network')
  if (network === undefined || !isIdText(network)) return []
  const generation = wholeTag(tags, 'HB-Generation')
  const partition = wholeTag(tags, 'HB-Partition')
  const isSegment = tagValue(tags, 'HB-Type') === 'Segment'
  if (!isSegment || generation === undefined || partition === undefined) return [network]
  return [network, generation, partition]
}

/** The id in a file's name; undefined: not a name of ours. */
export function idIn(name: string): string | undefined {
  const id = name.slice(-43)
  if (!isIdText(id)) return undefined
  const before = name.slice(0, -43)
  return before === '' || /^\d+-\d+\.$/.test(before) ? id : undefined
}

function wholeTag(tags: readonly Tag[], name: string): string | undefined {
  const value = tagValue(tags, name)
  return value !== undefined && WHOLE.test(value) ? value : undefined
}
