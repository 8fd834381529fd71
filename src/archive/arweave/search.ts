// Transactions by their tags: a gateway's GraphQL, page after page.
//
// Invariants: Q1 each is found once, and what is posted meanwhile moves none past the search: the
// newest come first, so that what moves comes again. Q2 what does not have the tags is not found,
// whatever the gateway says. Q3 a search ends: in as many as are allowed.

import type { Tag } from '../../protocol/ans104/index.ts'
import type { Found } from '../port.ts'
import { idOf, objectOf, wholeOf } from './chain.ts'
import type { Gateway } from './gateway.ts'
import { failed, parseAnswer } from './gateway.ts'
import type { ArweaveLimits } from './limits.ts'

const BY_TAGS = `query ($tags: [TagFilter!], $owners: [String!], $first: Int, $after: String) {
  transactions(first: $first, sort: HEIGHT_DESC, tags: $tags, owners: $owners, after: $after) {
    pageInfo { hasNextPage }
    edges { cursor node { id owner { address } data { size } tags { name value } } }
  }
}`
const BY_ID = 'query ($ids: [ID!]) { transactions(ids: $ids) { edges { node { id } } } }'
const BUNDLE = 'query ($id: ID!) { transaction(id: $id) { id bundledIn { id } } }'

type Page = { readonly found: readonly Found[]; readonly cursor: string | undefined }

export class Search {
  readonly #gateway: Gateway
  readonly #limits: ArweaveLimits

  constructor(gateway: Gateway, limits: ArweaveLimits) {
    this.#gateway = gateway
    this.#limits = limits
  }

  /** `owners`: only what these addresses signed. */
  async *byTags(tags: readonly Tag[], owners?: readonly string[]): AsyncGenerator<Found> {
    const seen = new Set<string>()
    const filters = tags.map(({ name, value }) => ({ name, values: [value] }))
    const { foundMax, pageItemsMax: first } = this.#limits
    const asked = { first, ...(tags.length > 0 && { tags: filters }), ...(owners && { owners }) }
    for (let after: string | undefined; ; ) {
      const page = await this.#query(BY_TAGS, { ...asked, ...(after && { after }) }, (data) =>
        this.#page(data),
      )
      for (const found of page.found) {
        const isWanted = tags.every(({ name, value }) =>
          found.tags.some((tag) => tag.name === name && tag.value === value),
        )
        if (!isWanted || seen.has(found.id)) continue
        if (seen.size === foundMax) throw failed(`more than ${foundMax} are found`)
        seen.add(found.id)
        yield found
      }
      if (page.cursor === undefined) return
      if (page.cursor === after || page.found.length === 0) throw failed('pages without an end')
      after = page.cursor
    }
  }

  /** Whether others find it already. */
  async has(id: string, signal?: AbortSignal): Promise<boolean> {
    const isIt = (edge: unknown): boolean => objectOf(objectOf(edge)['node'])['id'] === id
    return this.#query(BY_ID, { ids: [id] }, (data) => edgesOf(data).some(isIt), signal)
  }

  /** The transaction that holds this data item, by the gateway; undefined: it knows none. */
  async bundleOf(id: string): Promise<string | undefined> {
    return this.#query(BUNDLE, { id }, (data) => {
      const { transaction } = objectOf(data)
      if (transaction === null || transaction === undefined) return undefined
      const { bundledIn } = objectOf(transaction)
      if (bundledIn === null || bundledIn === undefined) return undefined
      return idOf(objectOf(bundledIn)['id'], 'a bundle')
    })
  }

  async #query<T>(
    query: string,
    variables: object,
    read: (data: unknown) => T,
    signal?: AbortSignal,
  ): Promise<T> {
    const request = { path: '/graphql', body: { query, variables }, signal }
    return this.#gateway.ask(request, (answer) => {
      const { data, errors } = objectOf(parseAnswer(answer))
      if (errors !== undefined) throw failed(`GraphQL: ${JSON.stringify(errors).slice(0, 200)}`)
      return read(data)
    })
  }

  #page(data: unknown): Page {
    const { pageInfo } = objectOf(objectOf(data)['transactions'])
    const edges = edgesOf(data)
    const found = edges.map((edge) => this.#found(objectOf(objectOf(edge)['node'])))
    const cursor = edges.length === 0 ? undefined : objectOf(edges.at(-1))['cursor']
    if (objectOf(pageInfo)['hasNextPage'] !== true) return { found, cursor: undefined }
    if (typeof cursor !== 'string') throw failed('a page without a cursor')
    return { found, cursor }
  }

  #found(node: Record<string, unknown>): Found {
    const id = idOf(node['id'], 'an id')
    const tags = node['tags']
    if (!Array.isArray(tags)) throw failed(`${id} without tags`)
    return {
      id,
      owner: idOf(objectOf(node['owner'])['address'], 'an owner'),
      tags: tags.map((tag) => {
        const { name, value } = objectOf(tag)
        return { name: String(name), value: String(value) }
      }),
      bytes: wholeOf(objectOf(node['data'])['size'], 'a size'),
      place: `${this.#gateway.url}/${id}`,
    }
  }
}

function edgesOf(data: unknown): readonly unknown[] {
  const { edges } = objectOf(objectOf(data)['transactions'])
  if (Array.isArray(edges)) return edges
  throw failed('no page of transactions')
}
