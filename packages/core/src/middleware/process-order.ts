import { checkOrder, type OrderRules } from './check-order.ts'
import { processStages, type ProcessFunction, type ProcessMiddleware, type ProcessStage } from './types.ts'

const processOrder: OrderRules<ProcessStage> = {
  stages: processStages,
  why: {
    telemetry: '',
    'claim-check': 'what is fetched is part of what telemetry measures',
    decryption: 'the body must have been fetched before it can be decrypted',
    decompression: 'bodies are compressed before they are encrypted, so they are decompressed after they are decrypted',
    idempotency: 'it compares bodies, and encryption and compression change them from send to send',
    retry: 'a busy claim or an unreachable claim store would use up the attempts of the message',
    timeout: 'retry decides what happens after an attempt that took too long, so it has to see it',
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
