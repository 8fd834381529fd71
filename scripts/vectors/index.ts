// All subjects of the test vectors, and the files that stand in test/vectors/.

import { ACTION_SUBJECTS } from './actions.ts'
import { FEATURE_SUBJECTS } from './feature-levels.ts'
import { HASH_SUBJECTS } from './hashes.ts'
import { ITEM_SUBJECTS } from './items.ts'
import { JSON_SUBJECTS } from './strict-json.ts'
import { LOG_SUBJECTS } from './log.ts'
import { NETWORK_SUBJECTS } from './networks.ts'
import { OUTBOX_SUBJECTS } from './outbox.ts'
import { RESULT_SUBJECTS } from './results.ts'
import { STATE_SUBJECTS } from './states.ts'
import type { Subject } from './subject.ts'
import { fileText, vectorFile } from './subject.ts'
import { WALLET_SUBJECTS } from './wallet-messages.ts'

export { changedCases, fileText } from './subject.ts'
export type { Case, Subject, VectorFile } from './subject.ts'

export const SUBJECTS: readonly Subject[] = [
  ...HASH_SUBJECTS,
  ...ITEM_SUBJECTS,
  ...WALLET_SUBJECTS,
  ...NETWORK_SUBJECTS,
  ...LOG_SUBJECTS,
  ...STATE_SUBJECTS,
  ...RESULT_SUBJECTS,
  ...ACTION_SUBJECTS,
  ...JSON_SUBJECTS,
  ...OUTBOX_SUBJECTS,
  ...FEATURE_SUBJECTS,
]

/** File name → text. */
export function vectorFiles(): Map<string, string> {
  return new Map(SUBJECTS.map((each) => [`${each.subject}.json`, fileText(vectorFile(each))]))
}
