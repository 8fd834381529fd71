// All bad histories: every invariant has at least one.

import { CHANNEL_PLANTS } from './channels.ts'
import { FUND_PLANTS } from './funds.ts'
import { COMMIT_PLANTS, TRIM_PLANTS } from './offsets.ts'
import { CHAIN_PLANTS, EXPIRY_PLANTS, PLACE_PLANTS } from './placement.ts'
import { READER_PLANTS, RECEIPT_PLANTS } from './placement.ts'
import type { Plants } from './plant.ts'
import { QUEUE_PLANTS } from './queues.ts'
import { RESULT_PLANTS } from './results.ts'

export const PLANTS: readonly Plants[] = [
  PLACE_PLANTS,
  CHAIN_PLANTS,
  RECEIPT_PLANTS,
  EXPIRY_PLANTS,
  READER_PLANTS,
  CHANNEL_PLANTS,
  RESULT_PLANTS,
  FUND_PLANTS,
  QUEUE_PLANTS,
  COMMIT_PLANTS,
  TRIM_PLANTS,
]
