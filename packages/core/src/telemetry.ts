import type { MaybePromise } from './driver/fenced-store.ts'
import type { Headers, Outgoing } from './driver/sender.ts'
import type { Message, Settlement } from './message.ts'

/** Hooks named after the OpenTelemetry messaging operations. All are optional and synchronous unless said otherwise. What one throws, or its promise rejects with, is logged as `telemetry:failed`; only `process` fails the handler start that it wraps. */
export interface Telemetry {
  /** A message was made. The headers returned (`traceparent`, …) are added to it. */
  create?(event: { readonly destination: string; readonly id: string; readonly headers: Headers }): Readonly<Record<string, string>> | undefined
  /** A request was answered. */
  send?(event: {
    readonly destination: string
    readonly driver: string
    readonly messages: readonly Outgoing[]
    readonly failed: number
    readonly durationMs: number
  }): void
  /** Deliveries arrived. */
  receive?(event: { readonly source: string; readonly driver: string; readonly messages: number; readonly bytes: number }): void
  /** Wraps one handler start; must call `run` exactly once and return its value. */
  process?<T>(event: { readonly source: string; readonly message: Message }, run: () => MaybePromise<T>): MaybePromise<T>
  /** A message was settled. */
  settle?(event: {
    readonly source: string
    readonly id: string
    readonly action: 'ack' | 'retry' | 'release' | 'dead-letter'
    readonly result: Settlement | 'error'
  }): void
  /** The attempts of a message are used up and it is tried until it succeeds; its key waits. Once per message and receipt. */
  blocked?(event: { readonly source: string; readonly key: string | undefined; readonly id: string; readonly attempts: number }): void
  /** Calls to the backend, as it bills them. */
  call?(event: { readonly driver: string; readonly call: string; readonly count: number }): void
}
