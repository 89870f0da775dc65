/** The header that names what was done to a body. A native field on AMQP. */
export const encodingHeader = 'content-encoding'

/** Values that name a character set or nothing at all; some clients (Celery among them) write them on every message. */
const plain: ReadonlySet<string> = new Set(['', 'identity', 'none', 'utf-8', 'utf8', 'us-ascii', 'ascii', 'binary', '7bit', '8bit'])

/** More than anybody nests; each costs a pass. */
const mostEncodings = 4
const longestValue = 256

/** What was done to a body, in the order in which it was done; empty for a body that is as it was. `undefined` for a value that nobody would send. */
export function encodingsOf(value: string): readonly string[] | undefined {
  if (value.length > longestValue) return undefined
  const encodings = value
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => !plain.has(part))
  return encodings.length > mostEncodings ? undefined : encodings
}
