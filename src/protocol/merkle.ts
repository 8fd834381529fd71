// Merkle trees as RFC 6962 section 2.1 has them: leaf H(0x00 · data), node H(0x01 · left · right),
// split at the greatest power of two below n, an odd leaf never duplicated. The empty tree's root
// is SHA-256 of nothing.

import { hash } from 'node:crypto'
import { asBuffer, EMPTY, equalBytes, sha256 } from '../std/bytes.ts'

/** Kept between calls: a tree has as many nodes as leaves. */
const node = Buffer.allocUnsafeSlow(65)
/** Room for a leaf that is a hash, as most are. */
const leaf = Buffer.allocUnsafeSlow(33)

export function leafHash(data: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + data.length)
  bytes[0] = 0
  asBuffer(data).copy(bytes, 1)
  return sha256(bytes)
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node[0] = 1
  node.set(left, 1)
  node.set(right, 33)
  return sha256(node)
}

/** The greatest power of two less than n (n ≥ 2). */
function split(n: number): number {
  return 2 ** (31 - Math.clz32(n - 1))
}

/** Root over the data of leaves, 32 bytes. */
export function merkleRoot(leaves: readonly Uint8Array[]): Buffer {
  const tree = new MerkleTree()
  for (const data of leaves) tree.add(data)
  return tree.root()
}

/**
 * The root over leaves that come one by one: of what came, one hash is kept for each power of two
 * in its number. Hashes are kept as Latin-1 texts, the form in which they are had cheapest.
 */
export class MerkleTree {
  /** By height: the root of a full subtree, where the number of leaves has that bit. */
  readonly #full: string[] = []
  #size = 0

  add(data: Uint8Array): void {
    let above = leafText(data)
    let height = 0
    for (; (this.#size >>> height) % 2 === 1; height++) {
      above = nodeText(this.#full[height] as string, above)
    }
    this.#full[height] = above
    this.#size += 1
  }

  /** Of the leaves so far. */
  root(): Buffer {
    let root: string | undefined
    for (let height = 0; this.#size >>> height > 0; height++) {
      if ((this.#size >>> height) % 2 === 0) continue
      const left = this.#full[height] as string
      root = root === undefined ? left : nodeText(left, root)
    }
    return root === undefined ? sha256(EMPTY) : Buffer.from(root, 'latin1')
  }
}

function leafText(data: Uint8Array): string {
  if (data.length !== 32) return leafHash(data).toString('latin1')
  leaf[0] = 0
  leaf.set(data, 1)
  return hash('sha256', leaf, 'binary')
}

function nodeText(left: string, right: string): string {
  node[0] = 1
  node.write(left, 1, 32, 'latin1')
  node.write(right, 33, 32, 'latin1')
  return hash('sha256', node, 'binary')
}

/** Of hashes of leaves, for paths: `from` up to, not with, `to`. */
function subtree(hashes: readonly Buffer[], from: number, to: number): Buffer {
  if (to - from === 1) return hashes[from] as Buffer
  const middle = from + split(to - from)
  return nodeHash(subtree(hashes, from, middle), subtree(hashes, middle, to))
}

/** The audit path of leaf `index`, from the leaf upwards (RFC 6962 PATH). */
export function merklePath(leaves: readonly Uint8Array[], index: number): Buffer[] {
  if (!(index in leaves)) throw new RangeError('leaf index out of range')
  const hashes = leaves.map(leafHash)
  const path: Buffer[] = []
  let from = 0
  let to = hashes.length
  while (to - from > 1) {
    const middle = from + split(to - from)
    if (index < middle) {
      path.push(subtree(hashes, middle, to))
      to = middle
    } else {
      path.push(subtree(hashes, from, middle))
      from = middle
    }
  }
  return path.reverse()
}

/** True if the path leads from the leaf's data at `index` of `size` leaves to the root. */
export function verifyMerklePath(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size)) return false
  if (index < 0 || index >= size) return false
  let position = index
  let last = size - 1
  let hash: Buffer = leafHash(leaf)
  for (const sibling of path) {
    if (last === 0 || sibling.length !== 32) return false
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash)
      while (position % 2 === 0 && position !== 0) {
        position = Math.floor(position / 2)
        last = Math.floor(last / 2)
      }
    } else hash = nodeHash(hash, sibling)
    position = Math.floor(position / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && equalBytes(hash, root)
}
