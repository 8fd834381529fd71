// ANS-104 data items: the form in which wallets sign messages. See format.ts for the byte layout.

export {
  ANCHOR_BYTES,
  ED25519,
  OWNER_BYTES,
  RSA_PSS,
  SIGNATURE_BYTES,
  TAG_NAME_BYTES_MAX,
  TAG_VALUE_BYTES_MAX,
  TAGS_BYTES_MAX,
  TAGS_MAX,
  TARGET_BYTES,
  type SignatureType,
  type Tag,
} from './format.ts'
export { BUNDLE_TAGS, BundleWriter, parseBundle } from './bundle.ts'
export type { BundleItem } from './bundle.ts'
export {
  DataItem,
  encodeDataItem,
  ownerAddress,
  parseDataItem,
  type DataItemFields,
} from './data-item.ts'
export { deepHash, type DeepHashChunk } from './deep-hash.ts'
export { ownerKey } from './public-key.ts'
export { signBytes, signDataItem, type SigningKey } from './sign.ts'
export {
  createDataItemVerifier,
  verifyDataItem,
  type DataItemVerifier,
  type Verdict,
} from './verify.ts'
