import type { ProcessContext } from '@busbar/core'

type Incoming = ProcessContext['incoming']

export interface ContextOptions {
  readonly id?: string | undefined
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly type?: string
  readonly contentType?: string
  readonly key?: string
  readonly attempt?: number
  readonly previousWaitMs?: number
  readonly timestamp?: number
  readonly replyTo?: string
  readonly source?: string
  readonly lease?: ProcessContext['capabilities']['lease']
  readonly kind?: ProcessContext['capabilities']['kind']
  readonly nowMs?: number
  readonly monotonicMs?: number
  /** Default: one that stands still. */
  readonly clock?: ProcessContext['clock']
  readonly random?: () => number
  readonly ordering?: ProcessContext['capabilities']['ordering']
}

function standingClock(nowMs = 0, monotonicMs = 0): ProcessContext['clock'] {
  return { now: () => nowMs, monotonic: () => monotonicMs, timer: () => ({ cancel: () => {} }), external: (operation) => operation }
}

/** A process context as core makes one, with what a test can change about it while a handler runs. */
export interface TestContext extends ProcessContext {
  settled: 'ack' | 'retry' | 'dead-letter' | undefined
  /** Reasons not to start anything. */
  readonly suspensions: number
  /** Fires the signal as a lost lease does, and as `cancel` does not. */
  abort(reason?: unknown): void
}

export function makeContext(options: ContextOptions = {}): TestContext {
  const controller = new AbortController()
  const body = options.body ?? '{"total":1}'
  const incoming: Incoming = {
    id: 'id' in options ? options.id : 'm1',
    body,
    bodyBytes: Buffer.byteLength(body),
    headers: options.headers ?? (Object.create(null) as Incoming['headers']),
    type: options.type,
    contentType: options.contentType,
    timestamp: options.timestamp,
    key: options.key,
    attempt: (options.attempt ?? 1) - 1,
    correlationId: undefined,
    replyTo: options.replyTo,
    position: undefined,
    native: undefined,
  }
  let [aborted, suspensions] = [false, 0]
  return {
    message: { id: incoming.id ?? 'made-up', headers: incoming.headers } as ProcessContext['message'],
    incoming,
    attempt: options.attempt ?? 1,
    previousWaitMs: options.previousWaitMs,
    signal: controller.signal,
    get aborted() {
      return aborted
    },
    get suspensions() {
      return suspensions
    },
    settled: undefined,
    source: options.source ?? 'orders',
    capabilities: {
      kind: options.kind ?? 'queue',
      lease: options.lease ?? { kind: 'scope', maxHoldMs: false },
      ordering: options.ordering ?? 'none',
    } as ProcessContext['capabilities'],
    clock: options.clock ?? standingClock(options.nowMs, options.monotonicMs),
    random: options.random ?? (() => 0.5),
    cancel: (reason) => controller.abort(reason),
    suspend() {
      suspensions++
      return () => void suspensions--
    },
    abort(reason) {
      aborted = true
      controller.abort(reason)
    },
  }
}
