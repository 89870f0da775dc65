export interface RedisSettings {
  /**
   * `none`: all data is gone when it ends. `always`: what was answered has been written to the append-only file and synced, and survives a kill.
   * Default `none`.
   */
  readonly persistence?: 'none' | 'always'
  /** Password of the default user. Default: none is needed. */
  readonly password?: string
  /** Further options of the server, as on its command line: `{ 'cluster-enabled': 'yes' }`. */
  readonly config?: Readonly<Record<string, string | number>>
}

/** The server's arguments, beside the address. */
export function redisArguments({ persistence = 'none', password, config = {} }: RedisSettings): string[] {
  const options: Record<string, string | number> = {
    save: '',
    appendonly: persistence === 'always' ? 'yes' : 'no',
    appendfsync: 'always',
    ...(password === undefined ? {} : { requirepass: password }),
    ...config,
  }
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
}
