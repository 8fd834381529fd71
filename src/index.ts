// The package's public door: what a program, a connector or a test outside this package may import.

export { createClient, generateWallet, loadWallet, saveWallet, Wallet } from './client/index.ts'
export type * from './client/index.ts'
export { bundleContract } from './client/index.ts'
export { listenJson, readMetrics, startHttp, startNode } from './node/index.ts'
export type { JsonAnswer, JsonRequest, JsonRoute, MetricTable } from './node/index.ts'
export type { LocalNode, LocalNodeOptions, NodeApi } from './node/index.ts'
export { makeGenesis, openNetwork } from './protocol/genesis.ts'
export type { Genesis, GenesisOptions, GenesisProcess, Network } from './protocol/genesis.ts'
export { accept, initialView } from './protocol/accept.ts'
export type { View } from './protocol/accept.ts'
export { copyView } from './protocol/accept.ts'
export { entryOf, LogReader, readRecord } from './protocol/log-reader.ts'
export { OrderCodec } from './protocol/segment.ts'
export type { SegmentRange } from './protocol/segment.ts'
export type { Read } from './protocol/log-reader.ts'
export { Records } from './protocol/codec/records.ts'
export type { EntryRecord } from './protocol/codec/records.ts'
export type { Entry } from './protocol/entry.ts'
export type { Result, Run } from './protocol/result.ts'
export { partitionOf, topicNames, topicSpecs } from './protocol/topics.ts'
export { deadLetterOf } from './protocol/dead-letter.ts'
export { openEmbeddedLog } from './log/embedded/index.ts'
export { createMemoryLog } from './log/memory/index.ts'
export type * from './log/port.ts'
export { endsOf, firstEntry, lagOf } from './log/resume/index.ts'
export {
  archivedNetwork,
  ARWEAVE_LIMITS,
  chainEnd,
  genesisUpload,
  hasGenesis,
  listNetworks,
  listSegments,
  openArweaveArchive,
  openFileArchive,
  restore,
  SEGMENT_LIMITS,
  SegmentWriter,
  verifyPartition,
} from './archive/index.ts'
export type * from './archive/index.ts'
export { openLmdbStore } from './store/lmdb/index.ts'
export type { Store, StoreOp } from './store/port.ts'
export { systemClock } from './std/clock.ts'
export type { Clock } from './std/clock.ts'
export { parseProperties } from './std/java-properties.ts'
export { silentReporter } from './std/reporter.ts'
export type { Reporter } from './std/reporter.ts'
export { rebuild } from './dre/index.ts'
export type { Rebuilt, RebuildOptions } from './dre/index.ts'
export { SANDBOX } from './runtime/index.ts'
export { HbError, isHbError } from './std/errors.ts'
export type { ErrorCode, ErrorKind } from './std/errors.ts'
