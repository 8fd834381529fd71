// Options that commands share, read and checked: addresses, wallets, tags, numbers, data, names of
// processes.

import { readFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import type { Client, Wallet } from '../client/index.ts'
import type { Tag } from '../protocol/message.ts'
import { isIdText } from '../std/bytes.ts'
import { HbError } from '../std/errors.ts'
import { brokerOptions, namesBrokers, nodeUrls, type BrokerOptions } from './broker.ts'
import type { CommandContext } from './context.ts'
import { readable } from './readable.ts'
import type { Terminal } from './terminal.ts'

export const DEFAULT_PORT = 8734
export const DEFAULT_URL = `http://127.0.0.1:${DEFAULT_PORT}`

export type UrlOptions = BrokerOptions & { readonly url?: string }
export type WalletOptions = { readonly wallet?: string }
export type WaitOptions = {
  readonly wait: 'none' | 'sequenced' | 'result'
  readonly timeout: number
}

export function jsonOption(command: Command): Command {
  return command.option('--json', 'print JSON for programs on stdout, nothing else')
}

export function urlOption(command: Command): Command {
  const url = `the node (or HB_URL; default ${DEFAULT_URL})`
  return brokerOptions(command.option('--url <address>', url))
}

export function walletOption(command: Command): Command {
  return command.option('--wallet <file>', 'the JWK file to sign with (or HB_WALLET)')
}

export function waitOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--wait <stage>', 'return when durable, ordered, or evaluated')
        .choices(['none', 'sequenced', 'result'])
        .default('result'),
    )
    .option('--timeout <seconds>', 'stop waiting after so long', secondsValue, 30)
}

/**
 * A client of the node that --url names, else of those that --bootstrap-server finds, else of
 * HB_URL; loaded here, so that help needs none of it.
 */
export async function openClient(context: CommandContext, options: UrlOptions): Promise<Client> {
  const { createClient } = await import('../client/index.ts')
  const { url } = options
  if (url === undefined && namesBrokers(options)) {
    return createClient({ url: await nodeUrls(context, options) })
  }
  return createClient({ url: url ?? context.terminal.env['HB_URL'] ?? DEFAULT_URL })
}

export async function openWallet(terminal: Terminal, options: WalletOptions): Promise<Wallet> {
  const path = options.wallet ?? terminal.env['HB_WALLET']
  if (path === undefined || path === '') {
    throw new HbError(
      'usage',
      'no wallet: give --wallet <file> or set HB_WALLET ("hb keys generate" makes one)',
    )
  }
  const { loadWallet } = await import('../client/index.ts')
  return readable(path, () => loadWallet(path))
}

export function readText(path: string): Promise<string> {
  return readable(path, () => readFile(path, 'utf8'))
}

/** An id as it is; anything else is looked up among the names of genesis. */
export async function processNamed(client: Client, text: string): Promise<string> {
  if (isIdText(text)) return text
  const { processes } = await client.network()
  const id = Object.hasOwn(processes, text) ? processes[text] : undefined
  if (id !== undefined) return id
  const names = Object.keys(processes).join(', ')
  throw new HbError(
    'id-malformed',
    `${text} (names of this network: ${names === '' ? 'none' : names})`,
  )
}

/** For options that may be given several times: Name=Value. */
export function tagValue(text: string, before: readonly Tag[] = []): Tag[] {
  const at = text.indexOf('=')
  if (at < 1) throw new HbError('usage', `--tag ${text}: write it as Name=Value`)
  return [...before, { name: text.slice(0, at), value: text.slice(at + 1) }]
}

export function secondsValue(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (!(seconds <= 86_400)) throw new HbError('usage', `${text}: seconds, at most a day`)
  return seconds
}

export function wholeValue(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(value)) throw new HbError('usage', `${text}: a whole number`)
  return value
}

/** Ms since 1970, or what ISO 8601 says. */
export function timeValue(text: string): number {
  const time = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new HbError('usage', `${text}: an ISO time (2031-05-01T12:00:00Z), or ms since 1970`)
}

export function portValue(text: string): number {
  const port = wholeValue(text)
  if (port > 65_535) throw new HbError('usage', `${text}: a port is at most 65535`)
  return port
}

/** JSON text, or with @ before it the name of a file that holds some. */
export async function jsonValue(text: string, name: string): Promise<unknown> {
  const source = text.startsWith('@') ? await readText(text.slice(1)) : text
  const { parseStrictJson } = await import('../protocol/json.ts')
  try {
    return parseStrictJson(source)
  } catch (error) {
    throw new HbError('usage', `${name}: ${(error as Error).message}`)
  }
}

/** --mint, as often as wanted: what a development network begins with. */
export function mintOption(command: Command): Command {
  const text = 'HyperCoin in a new development network; may be repeated'
  return command.option('--mint <address=amount>', text, mintValue)
}

/** --operator, as often as wanted: who may raise a development network's feature level. */
export function operatorOption(command: Command): Command {
  const text = 'who may raise the feature level of a new development network; may be repeated'
  return command.option('--operator <address>', text, operatorValue)
}

function operatorValue(text: string, before: readonly string[] = []): string[] {
  if (!isIdText(text)) throw new HbError('usage', `--operator ${text}: not an address`)
  return [...before, text]
}

function mintValue(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [address = '', amount = '', ...rest] = text.split('=')
  if (!isIdText(address) || !/^[1-9][0-9]{0,76}$/.test(amount) || rest.length > 0) {
    throw new HbError('usage', `--mint ${text}: write it as <address>=<amount>`)
  }
  return { ...before, [address]: amount }
}
