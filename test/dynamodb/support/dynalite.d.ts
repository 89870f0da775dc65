declare module 'dynalite' {
  import type { Server } from 'node:http'
  interface DynaliteOptions {
    /** How long tables take to be made, deleted and changed, in milliseconds. */
    readonly createTableMs?: number
    readonly deleteTableMs?: number
    readonly updateTableMs?: number
  }
  /** An emulator of DynamoDB with its data in memory. */
  export default function dynalite(options?: DynaliteOptions): Server
}
