import type { BrokerConfiguration } from '@busbar/core'
import type { WorkloadKind } from './workload.ts'

/** What a backend tells the processes; JSON. */
export interface BackendSettings {
  readonly kind: WorkloadKind
  /** What `connect` is given. */
  readonly configuration: BrokerConfiguration
  /** Added to the environment, such as credentials. */
  readonly env: Readonly<Record<string, string>>
}

interface ProcessSettings {
  readonly name: string
  readonly history: string
  readonly backend: BackendSettings
  readonly seed: number
  /** Of the store of claims. Without one there is no idempotency. */
  readonly redisUrl: string | undefined
}

export interface ProducerSettings extends ProcessSettings {
  readonly messages: number
  readonly perSecond: number
  readonly keys: number
}

export type ConsumerSettings = ProcessSettings

/** What the script tells a process. `end`: finish and exit. `clock`: the wall clock jumps by so many milliseconds. */
export type Order = { readonly order: 'end' } | { readonly order: 'clock'; readonly byMs: number }
