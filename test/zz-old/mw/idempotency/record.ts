/** What is stored under a completed key: `1|fingerprint|reply as JSON`. */
export interface CompletedRecord {
  /** Empty if bodies are not compared. */
  readonly fingerprint: string
  /** `undefined` if there was none. */
  readonly reply: unknown
}

/** Throws a `TypeError` if the reply cannot be carried by JSON. */
export function writeRecord(fingerprint: string, reply: unknown): string {
  return reply === undefined ? `1|${fingerprint}|` : `1|${fingerprint}|${JSON.stringify(reply)}`
}

/** Records of newer versions and foreign texts compare with every body and hold no reply. */
export function readRecord(text: string): CompletedRecord {
  const end = text.indexOf('|', 2)
  if (!text.startsWith('1|') || end === -1) return { fingerprint: '', reply: undefined }
  const reply = text.slice(end + 1)
  return { fingerprint: text.slice(2, end), reply: reply === '' ? undefined : JSON.parse(reply) }
}
