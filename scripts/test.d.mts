// Types of test.mjs.
export type JestReport = {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numRuntimeErrorTestSuites: number
}
export function countTests(report: JestReport): { readonly passed: number; readonly failed: number }
