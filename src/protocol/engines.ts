// The engines that evaluate modules, by the names that genesis, spawns and manifests give them:
// `native` for system processes (genesis alone), `quickjs` for contracts, `smartweave` for those
// published for SmartWeave.

export const ENGINE_NAMES = ['native', 'quickjs', 'smartweave'] as const
export type EngineName = (typeof ENGINE_NAMES)[number]

export function isEngineName(name: unknown): name is EngineName {
  return (ENGINE_NAMES as readonly unknown[]).includes(name)
}
