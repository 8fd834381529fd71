// Limits of segments: each with its default, its bounds and the reason for them.

export type SegmentLimits = {
  /**
   * A segment never goes over a multiple of this: two that archive the same log cut alike. All that
   * write to one archive need the same.
   */
  readonly heightsMax: number
  /** Bytes of records that a segment holds; a single one always passes. */
  readonly bytesMax: number
}

/** With the least messages 10,000 heights are 6 MB. */
export const SEGMENT_LIMITS: SegmentLimits = { heightsMax: 10_000, bytesMax: 8_388_608 }
