import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  leafHash,
  merklePath,
  merkleRoot,
  MerkleTree,
  nodeHash,
  verifyMerklePath,
} from '../../src/protocol/merkle.ts'
import { sha256 } from '../../src/std/bytes.ts'

// Certificate Transparency's reference implementation, merkletree tests.
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex'))
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
/** Leaf index (from 0), tree size, path. */
const PATHS: [number, number, string[]][] = [
  [0, 1, []],
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
]

/** RFC 6962 section 2.1, word for word. */
function rootByDefinition(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256(new Uint8Array(0))
  if (leaves.length === 1) return sha256(Buffer.concat([Buffer.of(0), leaves[0] as Uint8Array]))
  let k = 1
  while (k * 2 < leaves.length) k *= 2
  const halves = [rootByDefinition(leaves.slice(0, k)), rootByDefinition(leaves.slice(k))]
  return sha256(Buffer.concat([Buffer.of(1), ...halves]))
}

describe('published vectors', () => {
  test.each(ROOTS.map((root, size) => [size, root] as const))('root of %d leaves', (size, root) => {
    expect(merkleRoot(LEAVES.slice(0, size)).toString('hex')).toBe(root)
  })

  test.each(PATHS)('path of leaf %d of %d', (index, size, path) => {
    const leaves = LEAVES.slice(0, size)
    expect(merklePath(leaves, index).map((hash) => hash.toString('hex'))).toEqual(path)
    const hashes = path.map((hash) => Buffer.from(hash, 'hex'))
    const root = Buffer.from(ROOTS[size] as string, 'hex')
    expect(verifyMerklePath(leaves[index] as Buffer, index, size, hashes, root)).toBe(true)
  })
})

const leavesOf = fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 40 })

test('roots are those of the definition', () => {
  fc.assert(
    fc.property(leavesOf, (leaves) => {
      expect(merkleRoot(leaves).equals(rootByDefinition(leaves))).toBe(true)
    }),
  )
})

test('a tree has the root of what came so far', () => {
  const tree = new MerkleTree()
  const leaves: Buffer[] = []
  expect(tree.root().equals(rootByDefinition([]))).toBe(true)
  for (let n = 0; n < 70; n++) {
    // hashes, as most leaves are, and others
    const leaf = n % 3 === 0 ? Buffer.of(n) : sha256(Buffer.of(n))
    tree.add(leaf)
    leaves.push(leaf)
    expect(tree.root().equals(rootByDefinition(leaves))).toBe(true)
  }
})

test('every leaf of trees of 1 to 70 has a path that holds', () => {
  for (let size = 1; size <= 70; size++) {
    const leaves = Array.from({ length: size }, (_, at) => Buffer.of(at))
    const root = merkleRoot(leaves)
    const held = leaves.filter((leaf, at) =>
      verifyMerklePath(leaf, at, size, merklePath(leaves, at), root),
    )
    expect(held).toHaveLength(size)
  }
})

describe('a path does not hold', () => {
  const proof = leavesOf.chain((leaves) =>
    fc.nat({ max: leaves.length - 1 }).map((index) => {
      // numbered, so that no two leaves are the same
      const own = leaves.map((leaf, at) => Buffer.concat([Buffer.of(at), leaf]))
      const path = merklePath(own, index)
      return { leaf: own[index] as Buffer, index, size: own.length, path, root: merkleRoot(own) }
    }),
  )
  type Proof = { leaf: Buffer; index: number; size: number; path: Buffer[]; root: Buffer }
  const holds = ({ leaf, index, size, path, root }: Proof): boolean =>
    verifyMerklePath(leaf, index, size, path, root)

  test('for another leaf, root or place', () => {
    fc.assert(
      fc.property(proof, fc.nat({ max: 50 }), (one, other) => {
        expect(holds(one)).toBe(true)
        expect(holds({ ...one, leaf: Buffer.concat([one.leaf, Buffer.of(0)]) })).toBe(false)
        expect(holds({ ...one, root: sha256(one.root) })).toBe(false)
        if (other !== one.index) expect(holds({ ...one, index: other })).toBe(false)
      }),
    )
  })

  test('shortened, lengthened, or with a part changed or of another length', () => {
    fc.assert(
      fc.property(proof, fc.nat(), (one, place) => {
        expect(holds({ ...one, path: [...one.path, sha256(one.root)] })).toBe(false)
        if (one.path.length === 0) return
        const at = place % one.path.length
        const part = one.path[at] as Buffer
        expect(holds({ ...one, path: one.path.slice(1) })).toBe(false)
        expect(holds({ ...one, path: one.path.slice(0, -1) })).toBe(false)
        expect(holds({ ...one, path: one.path.with(at, sha256(part)) })).toBe(false)
        expect(holds({ ...one, path: one.path.with(at, part.subarray(1)) })).toBe(false)
        const longer = Buffer.concat([part, Buffer.of(0)])
        expect(holds({ ...one, path: one.path.with(at, longer) })).toBe(false)
      }),
    )
  })

  test('that ends too early or too late, even to a root made for it', () => {
    const [leaf, sibling] = [Buffer.of(0), leafHash(Buffer.of(1))]
    const roots = [nodeHash(leafHash(leaf), sibling), nodeHash(sibling, leafHash(leaf))]
    const claims = [[0, 1], [0, 3], [0, 4], [2, 4], [1, 3]] as const
    for (const [index, size] of claims) {
      const held = roots.map((root) => holds({ leaf, index, size, path: [sibling], root }))
      expect(held).toEqual([false, false])
    }
    expect(holds({ leaf, index: 0, size: 2, path: [], root: leafHash(leaf) })).toBe(false)
  })

  test.each([[-1], [0.5], [NaN], [2 ** 53]])('at the place %d', (index) => {
    const path = [leafHash(Buffer.of(1))]
    const root = merkleRoot([Buffer.of(0), Buffer.of(1)])
    expect(holds({ leaf: Buffer.of(0), index, size: 2, path, root })).toBe(false)
    expect(() => merklePath([Buffer.of(0), Buffer.of(1)], index)).toThrow(RangeError)
  })

  test.each([[0], [1], [1.5], [NaN], [Infinity]])('in a tree of %d leaves', (size) => {
    const path = [leafHash(Buffer.of(1))]
    const root = merkleRoot([Buffer.of(0), Buffer.of(1)])
    expect(holds({ leaf: Buffer.of(0), index: 0, size, path, root })).toBe(false)
  })
})

test('a node is no leaf: the second preimage that RFC 6962 guards against', () => {
  const [a, b] = [leafHash(Buffer.of(1)), leafHash(Buffer.of(2))]
  expect(leafHash(Buffer.concat([a, b])).equals(nodeHash(a, b))).toBe(false)
})

test('an odd leaf is not doubled', () => {
  const [a, b, c] = [Buffer.of(1), Buffer.of(2), Buffer.of(3)]
  expect(merkleRoot([a, b, c]).equals(merkleRoot([a, b, c, c]))).toBe(false)
})
