/** Unique ids at the cost of one addition: 72 random bits once, then a counter. Not secret, not sortable. */
export function idSource(random: () => number): () => string {
  let prefix = ''
  for (let i = 0; i < 3; i++)
    prefix += Math.floor(random() * 2 ** 24)
      .toString(36)
      .padStart(5, '0')
  let counter = 0
  return () => `${prefix}-${(counter++).toString(36)}`
}

const identity = /^[\u{21}-\u{7E}]{1,128}$/u

/** A key or id in the form that every backend takes: 1 to 128 printable ASCII characters without blanks. Throws a `TypeError`. */
export function checkedIdentity(what: string, value: unknown): string {
  if (typeof value !== 'string' || !identity.test(value)) {
    throw new TypeError(
      `${what}: 1 to 128 characters from '!' to '~' are needed, not ${typeof value === 'string' ? `a text of ${value.length}` : String(value)}`,
    )
  }
  return value
}
