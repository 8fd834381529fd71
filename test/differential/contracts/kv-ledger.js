// Balances in SmartWeave.kv, with little in the state: what an error takes back is in both.
export async function handle(state, action) {
  const { input, caller } = action
  const balanceOf = async (who) => (await SmartWeave.kv.get(who)) ?? 0

  switch (input.function) {
    case 'mint':
      if (caller !== state.owner) throw new ContractError('not the owner')
      await SmartWeave.kv.put(input.to, (await balanceOf(input.to)) + input.qty)
      state.minted += input.qty
      return { state }
    case 'transfer': {
      const held = await balanceOf(caller)
      await SmartWeave.kv.put(caller, held - input.qty)
      await SmartWeave.kv.put(input.to, (await balanceOf(input.to)) + input.qty)
      state.transfers++
      if (!(input.qty > 0)) throw new ContractError('quantity must be positive')
      if (caller === input.to) throw new ContractError('to yourself')
      if (held < input.qty) throw new ContractError(`${held} is less than ${input.qty}`)
      return { state }
    }
    case 'burn':
      if ((await balanceOf(caller)) === 0) throw new ContractError('nothing to burn')
      state.burned += await balanceOf(caller)
      await SmartWeave.kv.del(caller)
      return { state }
    case 'note':
      await SmartWeave.kv.put(`note-${caller}`, { text: input.text, at: SmartWeave.block.height })
      return { state }
    case 'broken':
      await SmartWeave.kv.put(caller, 'lost')
      throw new TypeError('broken on purpose')
    case 'sum': {
      let sum = 0
      const holders = []
      for (const [key, value] of await SmartWeave.kv.kvMap()) {
        if (key.startsWith('note-')) continue
        holders.push(key)
        sum += value
      }
      state.sum = sum
      state.holders = holders
      if (sum !== state.minted - state.burned) throw new Error(`the sum is ${sum}`)
      return { state }
    }
    case 'keys':
      state.keys = await SmartWeave.kv.keys({ gte: 'note-', lt: 'note.' })
      return { state, result: state.keys.length }
    case 'balance':
      return { result: { target: input.target, balance: await balanceOf(input.target) } }
  }
  throw new ContractError('unknown: ' + input.function)
}
