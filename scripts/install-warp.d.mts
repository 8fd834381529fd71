// Types of install-warp.mjs.
export function installWarp(): boolean
