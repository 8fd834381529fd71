// Which sandbox results come from: part of genesis, because gas and error texts depend on it (R4).

/** `version`: that of the engine's package, and of the realm and its gas table around it. */
export const SANDBOX = { engine: 'quickjs-emscripten', version: '0.32.0+hb.1' } as const
