/** A case found that the driver does not keep the contract. */
export class ContractViolation extends Error {
  override readonly name: string = 'ContractViolation'
}

/** What the case is about does not exist here, as only running it could tell. */
export class NotApplicable extends Error {
  override readonly name: string = 'NotApplicable'
}

/** All that could be examined here is as it should be; what is claimed beyond could not be. */
export class NotExamined extends Error {
  override readonly name: string = 'NotExamined'
}

/** Throws a {@link ContractViolation} with `text` unless `condition` holds. */
export function check(condition: boolean, text: string | (() => string)): asserts condition {
  if (!condition) throw new ContractViolation(typeof text === 'string' ? text : text())
}

/** Compares JSON-like values by content. */
export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [show(actual), show(expected)]
  check(a === b, () => `${what}: expected ${b}, got ${a}`)
}

/** The same members, in any order; repeats are allowed, as at-least-once delivery makes them. */
export function checkSameMembers(actual: readonly string[], expected: readonly string[], what: string): void {
  const missing = expected.filter((value) => !actual.includes(value))
  const extra = actual.filter((value) => !expected.includes(value))
  check(missing.length === 0 && extra.length === 0, () => `${what}: missing ${show(missing)}, unexpected ${show(extra)}`)
}

/** `expected` in this order once repeats are dropped. */
export function checkOrder(actual: readonly string[], expected: readonly string[], what: string): void {
  checkEqual([...new Set(actual)], expected, what)
}

/** Bodies and lists can be long: texts show where they begin and how long they are. */
export function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (part instanceof Uint8Array ? `bytes(${part.length}) ${toHex(part)}` : part)) ?? 'undefined'
  return text.length <= 600 ? text : `${text.slice(0, 500)}… (${text.length} characters, check ${checksum(text)})`
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function checksum(text: string): number {
  let sum = 0
  for (let index = 0; index < text.length; index++) sum = (Math.imul(sum, 31) + text.charCodeAt(index)) >>> 0
  return sum
}
