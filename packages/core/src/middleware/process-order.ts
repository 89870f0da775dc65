import { checkOrder, type OrderRules } from './check-order.ts'
import { processStages, type ProcessStage } from './stages.ts'
import type { ProcessFunction, ProcessMiddleware } from './types.ts'

const processOrder: OrderRules<ProcessStage> = {
  method: 'process',
  otherwise: 'works on sends: give it to broker.producer(destination, { use: […] })',
  stages: processStages,
  why: {
    telemetry: '',
    'claim-check': 'what is fetched is part of what telemetry measures',
    decryption: 'the body must have been fetched before it can be decrypted',
    decompression: 'bodies are compressed before they are encrypted, so they are decompressed after they are decrypted',
    idempotency: 'it compares bodies, and encryption and compression change them from send to send',
    retry: 'a busy claim or an unreachable claim store would use up the attempts of the message',
    'concurrency-limit':
      'places are for attempts: a copy of a handled message must not take one, and retry has to see an attempt that is cancelled while it waits for one',
    'rate-limit': 'a token is for a start right now: one taken before a wait for a place, or for a copy of a handled message, is not',
    'circuit-breaker':
      'it has to see how an attempt failed before retry makes a wait of it, and to stop what got its place or token after the circuit had opened',
    timeout: 'retry and circuit breaker have to see that an attempt took too long, and a wait for a place or a token is no part of the attempt',
    custom: '',
  },
  once: {
    idempotency: 'the second would find every message claimed by the first',
    retry: 'one retry budget applies to a message',
  },
}

/** {@link checkOrder} for the process chain. */
export function checkProcessOrder(middlewares: readonly (ProcessMiddleware | ProcessFunction)[]): void {
  checkOrder(middlewares, processOrder)
}
