// The door of the room for tests, and the package's `hollowbeam/testing`: whole networks for those
// who write contracts, or programs that talk to them. docs/guides/testing-contracts.md shows how.

export { bundleContract, Wallet } from '../client/index.ts'
export type { Bundle, Client, TagList } from '../client/index.ts'
export type {
  DryRunView,
  EntryView,
  NodeApi,
  NodeHealth,
  OutgoingView,
  ProcessView,
  Receipt,
  ResultView,
  Role,
} from '../node/index.ts'
export { HbError, isHbError } from '../std/errors.ts'
export type { ErrorCode } from '../std/errors.ts'
export { FAULTS_MAX } from './log-faults.ts'
export type { AppendFault, FaultPlace, Faults } from './log-faults.ts'
export type { LogChoice, LogKind, StartedKafka } from './log-place.ts'
export type {
  DryRunOptions,
  MessageOptions,
  ReceivedView,
  RestartOptions,
  Sender,
  SpawnOptions,
  TestNetwork,
} from './network.ts'
export type { Comparison } from './rebuilding.ts'
export type { Sent } from './sending.ts'
export { startNetwork } from './start-network.ts'
export type { TestNetworkOptions } from './start-network.ts'
export { ADVANCE_MS_MAX } from './test-clock.ts'
export type { TestContract } from './test-contract.ts'
export type { AddressOf, ContractSource, ContractSpec, State } from './test-genesis.ts'
export { NODES_MAX } from './test-nodes.ts'
export type { NodeRoles } from './test-nodes.ts'
export { testWallet, WALLETS_MAX } from './test-wallets.ts'
export type { WalletChoice, WalletSpec } from './test-wallets.ts'
export { SETTLE_MESSAGES_MAX } from './watching.ts'
export type { SentView, Settled, WaitOptions } from './watching.ts'
