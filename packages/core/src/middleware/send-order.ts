import type { OrderRules } from './check-order.ts'
import { sendStages, type SendStage } from './stages.ts'

export const sendOrder: OrderRules<SendStage> = {
  method: 'send',
  otherwise: 'works on what is received: give it to broker.consume(source, handler, { use: […] })',
  stages: sendStages,
  why: {
    telemetry: '',
    idempotency: 'a repeated send is part of what telemetry measures',
    compression: 'a repeated send should not be compressed again',
    encryption: 'what is encrypted can no longer be compressed',
    'claim-check': 'what is stored must be as small as it gets, and encrypted',
    custom: '',
  },
  once: { idempotency: 'the second would find every message sent by the first' },
}
