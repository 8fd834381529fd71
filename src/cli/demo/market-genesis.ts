// The demo's network: HyperCoin, the HB contract, the clock, U, ASSET and the UCM, with what DMac
// and Sam begin with.

import { fileURLToPath } from 'node:url'
import { bundleContract } from '../../client/index.ts'
import { contractPath } from '../contract-path.ts'
import type { Genesis } from '../../protocol/genesis.ts'
import { genesisProcessId, makeGenesis } from '../../protocol/genesis.ts'
import { SANDBOX } from '../../runtime/index.ts'
import { clockProcess } from '../../system/index.ts'

export type MarketOptions = {
  readonly salt: string
  readonly dmac: string
  readonly sam: string
  readonly partitions: number
  readonly unbondingMs: number
}

/** HyperCoin 1,000 each, 500 U to Sam, 100 ASSET to DMac, UCM without fee. */
export async function marketGenesis(options: MarketOptions): Promise<Genesis> {
  const { salt, dmac, sam, partitions, unbondingMs } = options
  const id = (name: string): string => genesisProcessId(salt, name, 0)
  const source = async (contract: string): Promise<string> =>
    (await bundleContract(fileURLToPath(contractPath(contract)))).source
  const coin = await source('hyper-coin')
  const token = await source('token')
  const sandboxed = (name: string, text: string, state: Record<string, unknown>) => ({
    name,
    nonce: 0,
    engine: 'quickjs' as const,
    source: text,
    state,
  })
  const genesis = makeGenesis({
    name: 'demo',
    salt,
    partitions,
    sandbox: SANDBOX,
    processes: [
      sandboxed('hyper-coin', coin, {
        name: 'HyperCoin',
        ticker: 'HYPER',
        denomination: 0,
        balances: { [dmac]: '1000', [sam]: '1000' },
      }),
      sandboxed('u', token, {
        name: 'U',
        ticker: 'U',
        denomination: 0,
        balances: { [sam]: '500' },
      }),
      sandboxed('asset', await source('asset'), {
        name: 'Asset',
        ticker: 'ASSET',
        denomination: 0,
        balances: { [dmac]: '100' },
      }),
      {
        name: 'hb-contract',
        engine: 'native',
        source: 'hb-contract@1',
        state: { hyperCoin: id('hyper-coin'), unbondingMs },
      },
      clockProcess(),
    ],
  })
  const hbNonce = genesis.processes.find(({ name }) => name === 'hb-contract')?.nonce ?? 0
  const hbContract = genesisProcessId(salt, 'hb-contract', hbNonce)
  const ucm = sandboxed('ucm', await source('ucm'), { hbContract, minimumStake: '10', feeBps: 0 })
  return { ...genesis, processes: [...genesis.processes, ucm] }
}
