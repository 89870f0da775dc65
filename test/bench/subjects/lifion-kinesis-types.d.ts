/** As much of it as is used: it has no types of its own. */
declare module 'lifion-kinesis' {
  import type { PassThrough } from 'node:stream'

  interface LifionRecord {
    readonly data: string
    readonly partitionKey: string
  }

  class Kinesis extends PassThrough {
    constructor(options: Readonly<Record<string, unknown>>)
    startConsumer(): Promise<void>
    stopConsumer(): void
    putRecords(batch: { readonly records: readonly LifionRecord[] }): Promise<unknown>
  }

  export = Kinesis
}
