/** A text that is read from what was thrown. Handlers may throw anything, also what cannot be read or written: that must not keep a message from its end. */
export function readable(read: () => unknown): string {
  try {
    return String(read())
  } catch {
    return 'unreadable'
  }
}
