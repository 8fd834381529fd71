// What the ANS-104 standard fixes about a data item: signature types, lengths and limits. Constants
// only.
//
// Byte layout of a data item (integers little-endian):
//   u16 signature type | signature | owner | u8 presence [32 target] | u8 presence [32 anchor]
//   | u64 number of tags | u64 bytes of tags | tags (Avro) | data to the end

/** 1: Arweave, RSA-PSS 4096 with SHA-256. 2: Ed25519. No other type is accepted. */
export type SignatureType = 1 | 2

export const RSA_PSS = 1
export const ED25519 = 2

/** Bytes of signature and owner (the public key) by signature type. */
export const SIGNATURE_BYTES = { 1: 512, 2: 64 } as const
export const OWNER_BYTES = { 1: 512, 2: 32 } as const

export const TARGET_BYTES = 32
export const ANCHOR_BYTES = 32

/**
 * Limits of the standard (sections 1.3 and 2.1); the total is the one its implementations share.
 */
export const TAGS_MAX = 128
export const TAG_NAME_BYTES_MAX = 1024
export const TAG_VALUE_BYTES_MAX = 3072
export const TAGS_BYTES_MAX = 4096

export type Tag = { readonly name: string; readonly value: string }
