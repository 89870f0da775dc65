import type { ProcessContext } from '@busbar/core'

type Incoming = ProcessContext['incoming']

export interface ContextOptions {
  readonly id?: string | undefined
  readonly body?: string | Uint8Array
  readonly attempt?: number
  readonly timestamp?: number
  readonly replyTo?: string
  readonly source?: string
  readonly lease?: ProcessContext['capabilities']['lease']
  readonly nowMs?: number
  readonly random?: () => number
}

/** A process context as core makes one, with what a test can change about it while a handler runs. */
export interface TestContext extends ProcessContext {
  settled: 'ack' | 'retry' | 'dead-letter' | undefined
  abort(reason?: unknown): void
}

export function makeContext(options: ContextOptions = {}): TestContext {
  const controller = new AbortController()
  const incoming: Incoming = {
    id: 'id' in options ? options.id : 'm1',
    body: options.body ?? '{"total":1}',
    bodyBytes: 11,
    headers: {},
    type: undefined,
    contentType: undefined,
    timestamp: options.timestamp,
    key: undefined,
    attempt: (options.attempt ?? 1) - 1,
    correlationId: undefined,
    replyTo: options.replyTo,
    position: undefined,
    native: undefined,
  }
  return {
    message: { id: incoming.id ?? 'made-up', headers: incoming.headers } as ProcessContext['message'],
    incoming,
    attempt: options.attempt ?? 1,
    signal: controller.signal,
    get aborted() {
      return controller.signal.aborted
    },
    settled: undefined,
    source: options.source ?? 'orders',
    capabilities: { lease: options.lease ?? { kind: 'scope', maxHoldMs: false } } as ProcessContext['capabilities'],
    clock: {
      now: () => options.nowMs ?? 0,
      monotonic: () => 0,
      timer: () => ({ cancel: () => {} }),
      external: (operation) => operation,
    },
    random: options.random ?? (() => 0.5),
    cancel: (reason) => controller.abort(reason),
    suspend: () => () => {},
    abort: (reason) => controller.abort(reason),
  }
}
