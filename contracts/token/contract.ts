// A token with a fixed total: see README.md for its messages and state.
export { handleToken as handle } from './core.ts'
