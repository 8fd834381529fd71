// hb keys: wallet files. Invariant: nothing here prints more of a wallet than its address and kind.

import { Option, type Command } from 'commander'
import type { WalletKind } from '../../client/index.ts'
import type { CommandContext } from '../context.ts'
import { jsonOption, openWallet } from '../options.ts'
import { readable } from '../readable.ts'
import { pairLines } from '../table.ts'
import { paint, type Terminal } from '../terminal.ts'

const GENERATE_HELP = `
The file is a JWK that only its owner may read (mode 0600); an existing file is never overwritten.
Whoever has the file is the wallet: keep it, and keep it to yourself.

Examples:
  hb keys generate                               an Ed25519 wallet in wallet.json
  hb keys generate --type rsa --out dmac.json    an Arweave wallet (RSA-PSS 4096)`

const SHOW_HELP = `
Examples:
  hb keys show dmac.json
  HB_WALLET=dmac.json hb keys show --json | jq -r .address`

export function addKeys(program: Command, { terminal }: CommandContext): void {
  const keys = program.command('keys').description('make wallets and show their addresses')
  const generate = keys
    .command('generate')
    .description('make a new wallet file')
    .option('--out <file>', 'where to', 'wallet.json')
    .addOption(
      new Option('--type <kind>', 'signature type').choices(['ed25519', 'rsa']).default('ed25519'),
    )
    .addHelpText('after', GENERATE_HELP)
  jsonOption(generate).action(async (options: { out: string; type: WalletKind; json?: true }) => {
    const { generateWallet, saveWallet } = await import('../../client/index.ts')
    const wallet = await generateWallet(options.type)
    await readable(options.out, () => saveWallet(wallet, options.out))
    print(terminal, options.json === true, {
      address: wallet.address,
      kind: wallet.kind,
      file: options.out,
    })
  })
  const show = keys
    .command('show [file]')
    .description("show a wallet's address (file, or HB_WALLET)")
    .addHelpText('after', SHOW_HELP)
  jsonOption(show).action(async (file: string | undefined, options: { json?: true }) => {
    const wallet = await openWallet(terminal, file === undefined ? {} : { wallet: file })
    print(terminal, options.json === true, { address: wallet.address, kind: wallet.kind })
  })
}

function print(terminal: Terminal, json: boolean, shown: Record<string, string>): void {
  if (json) terminal.out(JSON.stringify({ ok: true, ...shown }))
  else
    for (const line of pairLines(Object.entries(shown), paint(terminal.color))) terminal.out(line)
}
