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

/** Several copies of a segment's bytes are in memory while it is made: 4 MiB keep a sink small. */
export const SEGMENT_LIMITS: SegmentLimits = { heightsMax: 10_000, bytesMax: 4_194_304 }
