/** Where a scan stands: cursors are given to callers as texts. */
export interface ScanPosition {
  /** The server that is being scanned, `''` for the only one; servers are scanned in the order of their names. */
  readonly node: string
  /** Its own cursor; `undefined` when it has been scanned to the end. */
  readonly cursor: string | undefined
  /** Names of keys that it has given and that nobody has been told of yet: it gives as many as it likes at a time. */
  readonly pending: readonly string[]
}

export function writeCursor({ node, cursor, pending }: ScanPosition): string {
  return Buffer.from(JSON.stringify([node, cursor ?? '', ...pending])).toString('base64url')
}

/** Throws a `TypeError` for what is not a cursor of this store. */
export function readCursor(text: string): ScanPosition {
  const parts = parse(Buffer.from(text, 'base64url').toString())
  if (!Array.isArray(parts) || parts.length < 2 || parts.some((part) => typeof part !== 'string'))
    throw new TypeError('scan: the cursor is not one of this store')
  const [node, cursor, ...pending] = parts as [string, string, ...string[]]
  return { node, cursor: cursor === '' ? undefined : cursor, pending }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
