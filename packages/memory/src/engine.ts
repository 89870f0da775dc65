/**
 * The queue engine under the profiles, for tests in this repository that serve it over a wire of their own. Not published: it promises nothing to users.
 */
export { seededRandom } from './random.ts'
export { sqsBehaviour, sqsLimits, isSqsText, attributeBytes } from './profiles/sqs.ts'
export { snsLimits } from './profiles/sns.ts'
export type { QueueBehaviour } from './queue/behaviour.ts'
export { changeDelay } from './queue/change-delay.ts'
export { changeRetention } from './queue/change-retention.ts'
export { DeduplicationMemory } from './queue/deduplication.ts'
export type { QueueDelivery } from './queue/delivery.ts'
export { browseQueue, queueStats } from './queue/inspect.ts'
export type { Port } from './queue/port.ts'
export { Queue } from './queue/queue.ts'
export { Stored } from './queue/stored.ts'
export { World } from './world.ts'
