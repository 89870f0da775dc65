import { claimCases } from './capabilities/claims.ts'
import { refusalCases } from './capabilities/refusals.ts'
import type { ContractCase } from './case.ts'
import { deadLetterCases } from './dead-letters/dead-letters.ts'
import { deadLetterKeyCases } from './dead-letters/keys.ts'
import { moveCases } from './dead-letters/moves.ts'
import { deadLetterPageCases } from './dead-letters/pages.ts'
import { sharedDeadLetterCases } from './dead-letters/shared.ts'
import { slowCases } from './dead-letters/slowly.ts'
import { unfitCases } from './dead-letters/unfit.ts'
import { unseenDeadLetterCases } from './dead-letters/unseen.ts'
import { drainCases } from './drain/broker.ts'
import { handBackCases } from './drain/hand-back.ts'
import { errorCases } from './errors/errors.ts'
import { consumerCases } from './flow/consumers.ts'
import { suspensionCases } from './flow/suspensions.ts'
import { windowCases } from './flow/window.ts'
import { foreignCases } from './foreign/foreign.ts'
import { isolationCases } from './isolation/isolation.ts'
import { messageLeaseCases } from './leases/message-lease.ts'
import { leaseLimitCases } from './leases/limits.ts'
import { scopeLeaseCases } from './leases/scope-lease.ts'
import { callCases } from './ordering/calls.ts'
import { handlerOrderCases } from './ordering/handlers.ts'
import { holderCases } from './ordering/holders.ts'
import { keyCases } from './ordering/keys.ts'
import { browseCases } from './peek/browse.ts'
import { topologyCases } from './provisioning/topology.ts'
import { answerCases } from './reconnect/answers.ts'
import { endingCases } from './reconnect/ending.ts'
import { receiptCases } from './reconnect/receipts.ts'
import { reconnectCases } from './reconnect/reconnect.ts'
import { requestCases } from './requests/requests.ts'
import { blockedKeyCases } from './retry/blocked.ts'
import { byHandCases } from './retry/by-hand.ts'
import { countingCases } from './retry/counting.ts'
import { leftOverLimit } from './retry/left-over-limit.ts'
import { policyCases } from './retry/policies.ts'
import { handlerRetryCases } from './retry/retry.ts'
import { batchCases } from './sending/batches.ts'
import { bodyCases } from './sending/bodies.ts'
import { headerCases } from './sending/headers.ts'
import { limitCases } from './sending/limits.ts'
import { scheduleCases } from './sending/schedules.ts'
import { ackCases } from './settling/ack.ts'
import { orderOfAnswersCases } from './settling/answers.ts'
import { countCases } from './settling/counts.ts'
import { lateCases } from './settling/late.ts'
import { releaseCases } from './settling/release.ts'
import { retryCases } from './settling/retry.ts'
import { undeclaredCases } from './settling/undeclared.ts'
import { statsCases } from './stats/stats.ts'
import { positionCases } from './streams/positions.ts'
import { reshardingCases } from './streams/resharding.ts'
import { fanOutCases } from './topics/fan-out.ts'
import { filterCases } from './topics/filters.ts'
import { templateCases } from './topics/templates.ts'

/** The table of contents: everything that a driver is examined for. */
export const allCases: readonly ContractCase[] = [
  ...claimCases,
  ...refusalCases,
  ...topologyCases,
  ...bodyCases,
  ...headerCases,
  ...batchCases,
  ...limitCases,
  ...scheduleCases,
  ...ackCases,
  ...retryCases,
  ...releaseCases,
  ...lateCases,
  ...countCases,
  ...orderOfAnswersCases,
  ...undeclaredCases,
  ...messageLeaseCases,
  ...scopeLeaseCases,
  ...leaseLimitCases,
  ...keyCases,
  ...callCases,
  ...handlerOrderCases,
  ...holderCases,
  ...windowCases,
  ...consumerCases,
  ...suspensionCases,
  ...handlerRetryCases,
  ...countingCases,
  ...policyCases,
  leftOverLimit,
  ...unfitCases,
  ...byHandCases,
  ...blockedKeyCases,
  ...browseCases,
  ...deadLetterCases,
  ...slowCases,
  ...unseenDeadLetterCases,
  ...deadLetterPageCases,
  ...sharedDeadLetterCases,
  ...deadLetterKeyCases,
  ...moveCases,
  ...handBackCases,
  ...drainCases,
  ...reconnectCases,
  ...receiptCases,
  ...answerCases,
  ...endingCases,
  ...fanOutCases,
  ...filterCases,
  ...templateCases,
  ...positionCases,
  ...reshardingCases,
  ...requestCases,
  ...statsCases,
  ...errorCases,
  ...foreignCases,
  ...isolationCases,
]
