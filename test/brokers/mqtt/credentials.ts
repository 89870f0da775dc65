/** The first of these users, as the part of a URL before the host. */
export function credentialsOf(users: Readonly<Record<string, string>> = {}): string {
  const [first] = Object.entries(users)
  return first === undefined ? '' : `${first.map(encodeURIComponent).join(':')}@`
}

/** What the client library is to be told beside the URL: by itself it takes a password with a colon for a part of the name. */
export function credentialsIn(url: string): { readonly username?: string; readonly password?: string } {
  const { username, password } = new URL(url)
  return username === '' ? {} : { username: decodeURIComponent(username), password: decodeURIComponent(password) }
}

export function withoutCredentials(url: string): string {
  const changed = new URL(url)
  changed.username = changed.password = ''
  return changed.href
}
