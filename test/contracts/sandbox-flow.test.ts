// The same contracts as the network runs them: bundled, in the sandbox, the HB contract native; held
// against the plain handles, message by message.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, test } from '@jest/globals'

import { bundleContract } from '../../src/client/bundle.ts'
import type { Handled } from '../../src/lib/index.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { createNativeRuntime } from '../../src/runtime/native/runtime.ts'
import type { ModuleSource, Runtime } from '../../src/runtime/port.ts'
import { createQuickjsRuntime } from '../../src/runtime/quickjs/runtime.ts'
import { FEATURE_LEVELS } from '../../src/system/index.ts'
import { DMAC, Market, SAM } from './market.ts'
import type { AnyHandle } from './network.ts'

const CONTRACTS = fileURLToPath(new URL('../../contracts/', import.meta.url))
const modules = new Map<string, ModuleSource>()
let quickjs: Runtime
let native: Runtime
let gasMost = 0

beforeAll(async () => {
  quickjs = createQuickjsRuntime()
  native = createNativeRuntime(FEATURE_LEVELS[0]?.natives ?? {})
  for (const name of ['token', 'hyper-coin', 'asset', 'ucm']) {
    const { source, hash } = await bundleContract(join(CONTRACTS, name, 'contract.ts'))
    modules.set(name, { engine: 'quickjs', hash, source })
  }
  modules.set('hb', { engine: 'native', hash: '', source: 'hb-contract@1' })
})

/** Evaluates as a contract's handle does, in a runtime; the plain handle must agree in every byte. */
function sandboxed(name: string, plain: AnyHandle): AnyHandle {
  return (state, action) => {
    const module = modules.get(name) as ModuleSource
    const runtime = module.engine === 'native' ? native : quickjs
    const before = JSON.stringify(state)
    const instance = runtime.open(module, before, defaultLimits())
    const result = instance.evaluate(JSON.stringify(action))
    const after = instance.snapshot()
    instance.close()
    if (result.status === 'error') {
      expect(after).toBe(before)
      expect(() => plain(state, action)).toThrow(result.text)
      throw new Error(result.text)
    }
    gasMost = Math.max(gasMost, result.gas)
    expect(result.messages).toEqual(plain(state, action).messages)
    expect(JSON.stringify(state)).toBe(after)
    return { state: JSON.parse(after) as unknown, messages: result.messages } as Handled<never>
  }
}

function inSandboxes(market: Market): Market {
  const names = { token: market.u, 'hyper-coin': market.hyperCoin, asset: market.asset }
  for (const [name, id] of Object.entries({ ...names, ucm: market.ucm, hb: market.hb })) {
    const process = market.network.processes.get(id)
    if (process !== undefined) process.handle = sandboxed(name, process.handle)
  }
  return market
}

describe('in the sandbox', () => {
  test('the flow, a cancel, refusals and bounces give what the plain handles give', () => {
    const coins = { [DMAC]: '1000', [SAM]: '1000' }
    const market = inSandboxes(new Market({ hyperCoin: coins, u: coins, asset: coins }))
    const { network } = market
    for (const wallet of [DMAC, SAM]) {
      market.stake(wallet, '100')
      for (const token of [market.u, market.asset]) {
        market.transfer(wallet, token, market.ucm, '100')
      }
    }
    network.settle()
    const limit = { Type: 'limit', Side: 'sell' }
    for (const Price of ['3', '5', '2.5', '0.75', '4']) {
      expect(market.order(DMAC, { ...limit, Quantity: '10', Price }).text).toBe('')
    }
    expect(market.order(SAM, { ...limit, Quantity: '101', Price: '1' }).status).toBe('error')
    network.settle()
    const [Order] = Object.keys(market.ucmState.orders)
    network.send(DMAC, market.ucm, { Action: 'Cancel-Order', Order: Order as string })
    network.failing = ({ from, target }) => from === market.ucm && target === market.asset
    market.order(SAM, { Type: 'market', Side: 'buy', Quantity: '60' })
    market.order(SAM, { Type: 'market', Side: 'sell', Quantity: '5' })
    network.settle()
    network.send(SAM, market.hb, { Action: 'Unstake', Quantity: '100' })
    network.time += 1_000
    network.send(SAM, market.hb, { Action: 'Withdraw' })
    network.send(SAM, market.u, { Action: '__proto__' })
    network.settle()
    expect(network.results.filter(({ action }) => action.kind === 'bounce').length).toBeGreaterThan(0)
    expect(market.balances(market.hyperCoin)[SAM]).toBe('1000')
    expect(BigInt(market.balances(market.u)[DMAC] ?? '0')).toBeGreaterThan(900n)
    expect(gasMost).toBeLessThan(defaultLimits().gasMax / 100)
  })

  test('an order that meets as many makers as it may stays far below the gas limit', () => {
    const coins = { [DMAC]: '1000', [SAM]: '1000' }
    const market = new Market({ hyperCoin: coins, u: coins, asset: coins })
    for (const wallet of [DMAC, SAM]) {
      market.stake(wallet, '100')
      for (const token of [market.u, market.asset]) {
        market.transfer(wallet, token, market.ucm, '500')
      }
    }
    market.network.settle()
    for (let n = 100; n > 0; n -= 1) {
      const Price = String(1 + (n % 50))
      market.order(DMAC, { Type: 'limit', Side: 'sell', Quantity: '1', Price })
    }
    market.network.settle()
    gasMost = 0
    inSandboxes(market).order(SAM, { Type: 'limit', Side: 'buy', Quantity: '500', Price: '60' })
    market.network.settle()
    expect(market.ucmState.orderCount).toBe(60)
    expect(gasMost).toBeLessThan(defaultLimits().gasMax / 10)
  })
})
