// R8: intervals, by number from 0, and where they end.

/** Which interval a height lies in. */
export function intervalOf(height: number, intervalLength: number): number {
  return Math.floor(height / intervalLength)
}

/** True for the last height of an interval, and for -1: nothing of an interval is under way. */
export function endsInterval(height: number, intervalLength: number): boolean {
  return (height + 1) % intervalLength === 0
}
