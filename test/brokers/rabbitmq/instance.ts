/** One running broker of our own, whatever it runs in. */
export interface Instance {
  readonly amqpPort: number
  readonly managementPort: number
  /** Starts it, again on the same data and ports. Does not wait until it answers. */
  start(): Promise<void>
  /** Ends it as an operator would; the data stays. */
  stop(): Promise<void>
  /** Ends it as a power cut would; the data stays. */
  kill(): Promise<void>
  /** Freezes it; connections stay open and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Runs `rabbitmqctl`. */
  control(...args: string[]): Promise<void>
  /** Why it ended by itself, `undefined` while it runs. */
  ending(): Promise<string | undefined>
  /** The last lines of its log. */
  output(): Promise<string>
  /** Kills it and removes its data. */
  dispose(): Promise<void>
}
