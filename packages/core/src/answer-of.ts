import { promised } from './promised.ts'

/** What a user's filter says. Throws a `TypeError` for a promise: it would count as true, whatever it comes to. `what` begins the message. */
export function answerOf(what: string, answer: unknown): boolean {
  const given = promised(answer)
  if (!(given instanceof Promise)) return Boolean(given)
  given.catch(() => undefined)
  throw new TypeError(`${what} must answer at once, not with a promise`)
}
