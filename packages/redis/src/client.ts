/** What scanning needs of one Redis server. */
export interface RedisNode {
  scan(cursor: string, matchToken: 'MATCH', pattern: string, countToken: 'COUNT', count: number): Promise<[cursor: string, keys: string[]]>
  readonly options?: { readonly host?: string | undefined; readonly port?: number | undefined; readonly keyPrefix?: unknown } | undefined
}

/** What the store needs of a client. A `Redis` or `Cluster` of ioredis is one. */
export interface RedisClient extends RedisNode {
  readonly status: string
  evalsha(sha: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
  eval(script: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
  connect(): Promise<unknown>
  disconnect(): void
  on(event: string, listener: (error: unknown) => void): unknown
  removeListener(event: string, listener: (error: unknown) => void): unknown
  /** Clusters have it. */
  nodes?(role: 'master'): readonly RedisNode[]
}
