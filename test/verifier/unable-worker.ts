// A verifier thread that cannot start, for pool.test.ts.

throw new Error('this thread cannot start')
