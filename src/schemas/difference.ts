// What differs between two Avro schemas, place by place. Pure. What only people read (`doc`), and
// the order of attributes, make no difference.

/** A place that has another value, or is only on one side (the other is undefined). */
export type Difference = {
  /** As `fields.message.type[0].name`: named things by their name, others by their number. */
  readonly path: string
  readonly registered: string | undefined
  readonly shipped: string | undefined
}

/** In the order of the shipped schema, then what it lacks. */
export function differences(registered: string, shipped: string): Difference[] {
  const before = leaves(registered)
  const after = leaves(shipped)
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((path) => {
    const pair = { registered: before.get(path), shipped: after.get(path) }
    return pair.registered === pair.shipped ? [] : [{ path, ...pair }]
  })
}

function leaves(schema: string): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      // fields and their like count in order: a place that moved is another place
      value.forEach((item, at) => visit(item, `${path}[${nameOf(item) ?? at}]`))
      const order = value.map((item, at) => nameOf(item) ?? shown(item, at))
      found.set(`${path}.order`, order.join(', '))
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (key !== 'doc') visit(inner, path === '' ? key : `${path}.${key}`)
      }
    } else found.set(path === '' ? 'type' : path, JSON.stringify(value))
  }
  visit(JSON.parse(schema), '')
  return found
}

function nameOf(item: unknown): string | undefined {
  const { name } = Object(item) as { name?: unknown }
  return typeof name === 'string' ? name : undefined
}

function shown(item: unknown, at: number): string {
  return typeof item === 'string' ? item : String(at)
}
