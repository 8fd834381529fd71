// The wallets of a test network: by name, and the same for the same name in every run, so that
// addresses, and the order of what is sorted by them, do not change from one run to the next.
//
// Invariant: such a key is a function of its name, so everybody has it. It is good for a test and
// for nothing else.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { generateWallet, Wallet } from '../client/index.ts'
import { ED25519, type SigningKey } from '../protocol/ans104/index.ts'
import { fromBase64Url, sha256 } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'

export type WalletSpec = {
  /**
   * Units of HyperCoin at the start, as decimal text. Where a wallet names it, the network has
   * HyperCoin and the HB contract in its genesis.
   */
  readonly hyperCoin?: string
  /** `ed25519` by default; `rsa`, as Arweave's, takes a second or so, and is new in each run. */
  readonly kind?: 'ed25519' | 'rsa'
}

/** Names alone, specs by name, or wallets that are there already. */
export type WalletChoice =
  | readonly string[]
  | Readonly<Record<string, WalletSpec | Wallet>>

export type NamedWallets = {
  readonly wallets: ReadonlyMap<string, Wallet>
  /** HyperCoin by address; undefined: no wallet asks for it. */
  readonly mint: Readonly<Record<string, string>> | undefined
}

export const WALLETS_MAX = 1_000

const AMOUNT = /^(0|[1-9][0-9]{0,77})$/
/** PKCS #8 of an Ed25519 key, up to its 32 bytes (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

export async function makeWallets(choice: WalletChoice): Promise<NamedWallets> {
  const specs: [string, WalletSpec | Wallet][] = Array.isArray(choice)
    ? choice.map((name: string): [string, WalletSpec] => [name, {}])
    : Object.entries(choice as Readonly<Record<string, WalletSpec | Wallet>>)
  if (specs.length > WALLETS_MAX) {
    throw new HbError('test-options-invalid', `${specs.length} wallets, at most ${WALLETS_MAX}`)
  }
  const wallets = new Map<string, Wallet>()
  const mint: Record<string, string> = {}
  for (const [name, spec] of specs) {
    if (wallets.has(name)) throw new HbError('test-options-invalid', `two wallets named ${name}`)
    const wallet = spec instanceof Wallet ? spec : await walletOf(name, spec)
    wallets.set(name, wallet)
    if (spec instanceof Wallet || spec.hyperCoin === undefined) continue
    if (!AMOUNT.test(spec.hyperCoin)) {
      throw new HbError('test-options-invalid', `hyperCoin of ${name} is not a decimal text`)
    }
    mint[wallet.address] = spec.hyperCoin
  }
  return { wallets, mint: Object.keys(mint).length === 0 ? undefined : mint }
}

/** The wallet that a test network has under this name. */
export function testWallet(name: string): Wallet {
  return new Wallet(testKey(name))
}

/** Its key. */
export function testKey(name: string): SigningKey {
  const seed = sha256(Buffer.from(`hollowbeam testing wallet ${name}`))
  const der = Buffer.concat([PKCS8_HEAD, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { signatureType: ED25519, owner: fromBase64Url(x), privateKey }
}

function walletOf(name: string, { kind = 'ed25519' }: WalletSpec): Promise<Wallet> | Wallet {
  return kind === 'rsa' ? generateWallet('rsa') : testWallet(name)
}
