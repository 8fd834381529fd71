// The door of the archive: segments written and read, what an archive holds, and the way back.

export { ARWEAVE_LIMITS, openArweaveArchive } from './arweave/index.ts'
export type {
  ArweaveArchiveOptions,
  ArweaveCosts,
  ArweaveLimits,
  ArweaveSigner,
} from './arweave/index.ts'
export { openFileArchive } from './file/index.ts'
export type { FileArchiveOptions } from './file/index.ts'
export type * from './port.ts'
export {
  archivedNetwork,
  genesisUpload,
  hasGenesis,
  listNetworks,
  listSegments,
} from './catalogue.ts'
export type { Listed, Listing } from './catalogue.ts'
export { consistentCut, startBehind } from './consistent-cut.ts'
export type { CutPartition } from './consistent-cut.ts'
export { SEGMENT_LIMITS } from './limits.ts'
export type { SegmentLimits } from './limits.ts'
export { followPartition, verifyPartition } from './follow.ts'
export type { ReadArchiveOptions, ReadPartition } from './follow.ts'
export { restore } from './restore.ts'
export type { RestoreOptions } from './restore.ts'
export { chainEnd, readChain } from './segment-chain.ts'
export type { ChainedSegment } from './segment-chain.ts'
export { openSegment } from './segment-reader.ts'
export type { OpenedEntry, Segment } from './segment-reader.ts'
export { SegmentWriter } from './segment-writer.ts'
