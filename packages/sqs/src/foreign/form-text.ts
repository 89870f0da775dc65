/** Text as URLs and forms encode it, with `+` for blanks; `undefined` if it is not encoded so. */
export function formText(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
