// An atomic asset: the token core with a fixed number of units of one work, which this process's
// spawn carries.
export { handleToken as handle } from '../token/core.ts'
