// Bringing in the history of a contract that lived elsewhere. While it lasts, the process takes
// recorded interactions from who spawned it, in order and each once, and nothing from anybody
// else; the contract sees the facts that were recorded. One expression, `(reserved, refuse) =>
// imports`.
//
// Who spawns a process chooses its state, and so is trusted with no more by choosing how it came
// to be: what he says of each interaction stands in the log, to be held against the original.
// Owners: the reserved part of the state, `importing` {by, after} and `imported` {contract, owner,
// height, timestamp}. Invariants: I1 an interaction is taken only behind the one that its message
// names, so a repeat or a gap changes nothing. I2 after the end no recorded fact is taken.
((reserved, refuse) => {
  'use strict'
  const TAG = 'Warp-Import'

  /** At the spawn: who may go on, and who owns what is imported. */
  function begin(action, own) {
    if (own.importing !== undefined) own.importing.by = action.caller
    return own.imported?.owner ?? action.caller
  }
  /** What the contract is to see; null: the message was for the import alone. */
  function take(action) {
    const own = reserved(false)
    const importing = own?.importing
    const isImport = Object.hasOwn(action.tags, TAG)
    if (importing === undefined) {
      if (isImport && own?.imported !== undefined) refuse('import-refused', 'the import has ended')
      return action
    }
    if (!isImport || action.caller !== importing.by) {
      refuse('import-refused', 'its history is still being brought in')
    }
    const { after, input, facts, end } = action.input ?? {}
    if (after !== importing.after) {
      refuse('import-refused', 'the last interaction taken is ' + importing.after)
    }
    if (end !== undefined) {
      delete own.importing
      own.imported.height = end.height
      own.imported.timestamp = end.timestamp
      return null
    }
    importing.after = facts.sortKey
    return { ...action, input: null, tags: { Input: input }, smartweave: facts }
  }
  /**
   * Heights go on where the history ended, by log time, one in two minutes as on Arweave: a vault
   * or lease ends when it would have.
   */
  function heightOf({ height, timestamp }) {
    const from = reserved(false)?.imported
    if (from?.height === undefined) return height
    const passed = Math.floor(timestamp / 1000) - from.timestamp
    return from.height + Math.max(0, Math.floor(passed / 120))
  }

  return { begin, take, heightOf }
})
