/** Asks without following redirects, for at most `timeoutMs` and `maxBytes`. Rejects with what went wrong; the status is for the caller to judge. */
export async function fetchBounded(
  fetch: typeof globalThis.fetch,
  url: string,
  { timeoutMs, maxBytes }: { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<{ readonly status: number; readonly body: Uint8Array }> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
  const body = await readBounded(response.body, maxBytes)
  if (body === undefined) throw new Error(`the answer has more than ${maxBytes} bytes`)
  return { status: response.status, body }
}

/** `undefined` if it is longer than `maxBytes`, which ends the reading. */
export async function readBounded(stream: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  if (stream === null) return new Uint8Array()
  for await (const chunk of stream) {
    bytes += chunk.length
    // Leaving the loop cancels the stream.
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
