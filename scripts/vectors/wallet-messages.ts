// Vectors of the messages of wallets: what a data item says to a network.

import type { Tag } from '../../src/protocol/ans104/index.ts'
import type { Network } from '../../src/protocol/genesis.ts'
import type { ProtocolLimits } from '../../src/protocol/limits.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { ENVELOPE_BYTES } from '../../src/protocol/outbox.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { BUDGET_MAX, idOf, JSON_TYPE, SAFE_MAX, writeContent } from './fixed.ts'
import { itemFor, RSA_ITEMS } from './items.ts'
import type { Named, Subject } from './subject.ts'
import { fromHex, orCode, subject, toHex } from './subject.ts'

type Given = {
  readonly network: string
  readonly generation: number
  readonly limits: ProtocolLimits
}
type Input = { readonly item: string; readonly limits?: Partial<ProtocolLimits> }

const NETWORK = idOf('network')
const tag = (name: string, value: string): Tag => ({ name, value })

function withTags(...tags: Tag[]): Input {
  return { item: toHex(itemFor(NETWORK, { tags })) }
}

function withJson(data: string, limits: Partial<ProtocolLimits> = {}): Input {
  const item = toHex(itemFor(NETWORK, { tags: [JSON_TYPE], data }))
  return { item, ...(Object.keys(limits).length > 0 && { limits }) }
}

/** With this limit an item whose data is `[123]` is just small enough. */
const LARGE_BYTES_MAX = ENVELOPE_BYTES + withJson('[123]').item.length / 2
const spawn = tag('HB-Type', 'Process')
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

const INPUTS: readonly Named<Input>[] = [
  ['a message', withTags(tag('Action', 'Ping'))],
  ...RSA_ITEMS.map(([name, item]): Named<Input> => [name, { item: toHex(item) }]),
  ['a spawn', { item: toHex(itemFor(NETWORK, { target: '', tags: [spawn], data: 'x' })) }],
  ['a spawn with a target', withTags(spawn)],
  ['a message without a target', { item: toHex(itemFor(NETWORK, { target: '' })) }],
  ['another type', withTags(tag('HB-Type', 'process'))],
  ['another network', { item: toHex(itemFor(idOf('another network'))) }],
  ['another generation', withTags(tag('HB-Generation', '1'))],
  ['a generation that is not canonical', withTags(tag('HB-Generation', '00'))],
  ['of one name the first', withTags(tag('HB-Hops', '1'), tag('HB-Hops', '2'))],
  ['the least', withTags(tag('HB-Hops', '0'), tag('HB-Count', '0'), tag('HB-Budget', '0'))],
  ['the most', withTags(
    tag('HB-Hops', '64'),
    tag('HB-Count', '1000000'),
    tag('HB-Budget', BUDGET_MAX),
    tag('HB-Expires', String(SAFE_MAX)),
  )],
  ['too many hops', withTags(tag('HB-Hops', '65'))],
  ['too great a count', withTags(tag('HB-Count', '1000001'))],
  ['too long a budget', withTags(tag('HB-Budget', `${BUDGET_MAX}9`))],
  ['a budget with a zero in front', withTags(tag('HB-Budget', '01'))],
  ['hops with a sign', withTags(tag('HB-Hops', '+1'))],
  ['an end past 2^53 - 1', withTags(tag('HB-Expires', String(2 ** 53)))],
  ['names are case-sensitive', withTags(tag('hb-hops', '1'))],
  ['JSON at the depth that is allowed', withJson(nested(64))],
  ['JSON that is one deeper', withJson(nested(65))],
  ['what is called JSON and is none', withJson('{')],
  ['JSON of no bytes', withJson('')],
  ['more tags than the network allows', {
    ...withTags(...Array.from({ length: 16 }, (_, n) => tag(`T${n}`, 'v'))),
    limits: { tagsMax: 16 },
  }],
  ['more bytes of tags than it allows', {
    ...withTags(tag('T', 'v'.repeat(512))),
    limits: { tagBytesMax: 512 },
  }],
  ['as large as it allows', withJson('[123]', { messageBytesMax: LARGE_BYTES_MAX })],
  ['one byte more', withJson('[1234]', { messageBytesMax: LARGE_BYTES_MAX })],
  ['no item', { item: '0200' }],
]

const WALLET_MESSAGES = subject<Input, Given>({
  subject: 'wallet-messages',
  about:
    'What a data item says to a network; its signature is judged elsewhere (file ' +
    'data-items). id and caller are the item\'s id and its owner\'s address; digest = ' +
    'H("hb.signed.1", all bytes of the item). Tags: HB-Network must be the network\'s id; ' +
    'HB-Generation (default 0) its generation; HB-Type Message (default) or Process (a ' +
    'spawn: no target, and the process is the item\'s id); HB-Hops, HB-Count (defaults ' +
    'hopsDefault and countDefault, at most hopsMax and countMax), HB-Budget (default 0), ' +
    'HB-Expires (ms): decimal, without sign or leading zero. Judged in this order: bytes ' +
    '(messageBytesMax less 2048), form, number and bytes of tags, network, generation, type, ' +
    'target, JSON (where Content-Type is application/json and there is data: file ' +
    'strict-json, with inputDepthMax and messageBytesMax), hops, count, budget, expires. ' +
    'Given: network, generation, limits; input: item (hex), and limits that differ. Output: ' +
    'the message (data and digest as hex), or {error: code}.',
  given: { network: NETWORK, generation: 0, limits: defaultLimits() },
  inputs: INPUTS,
  compute: ({ item, limits }, given) =>
    orCode(() => {
      const genesis = { generation: given.generation, limits: { ...given.limits, ...limits } }
      const network = { id: given.network, genesis } as Network
      const message = signedMessage(network, fromHex(item))
      return { ...writeContent(message), digest: toHex(message.digest) }
    }),
})

export const WALLET_SUBJECTS: readonly Subject[] = [WALLET_MESSAGES]
