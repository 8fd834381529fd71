// HyperCoin, the network's own coin: the token core; its mint is the balances that genesis gives
// it, and never grows.
export { handleToken as handle } from '../token/core.ts'
