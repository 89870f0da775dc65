import { isInput, type Input } from '../input.ts'

/** The parameters of a request of the Query protocol, as a tree: `Attributes.entry.1.key=a` is `{ Attributes: { entry: { 1: { key: 'a' } } } }`. */
export function parseQuery(body: string): Input {
  const tree = branch()
  for (const [path, value] of new URLSearchParams(body)) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    let node = tree
    for (const name of names) {
      if (!isInput(node[name])) node[name] = branch()
      node = node[name] as Record<string, unknown>
    }
    node[last] = value
  }
  return tree
}

/** The members of a list of structures. */
export function members(input: Input, name: string): Input[] {
  return numbered(input, name, 'member').filter(isInput)
}

/** The entries of a map, whose keys and values have these names. */
export function entries(input: Input, name: string, key: string = 'key', value: string = 'value'): Map<string, unknown> {
  return new Map(
    numbered(input, name, 'entry')
      .filter(isInput)
      .map((entry) => [String(entry[key]), entry[value]]),
  )
}

/** A map of texts. */
export function textEntries(input: Input, name: string): Map<string, string> {
  return new Map([...entries(input, name)].map(([key, value]) => [key, typeof value === 'string' ? value : '']))
}

function numbered(input: Input, name: string, kind: 'member' | 'entry'): unknown[] {
  const list = input[name]
  const items = isInput(list) ? list[kind] : undefined
  if (!isInput(items)) return []
  return Object.entries(items)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, item]) => item)
}

/** Without a prototype: names come from outside. */
function branch(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>
}
