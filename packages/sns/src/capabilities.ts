import { refusedTemplate, type Capabilities, type Driver, type Endpoint, type EndpointSubscription, type Refusal } from '@busbar/core/driver'
import { limits } from './limits.ts'
import { nameProblem, topicOf, type TopicName } from './names.ts'
import { resolveRouteOptions, type ResolvedRouteOptions } from './route-options.ts'
import { queueEndpointOf, undeliveredEndpointOf } from './subscription-queue.ts'

/** What the driver can do for one endpoint, or why it cannot serve it. `queues`: the driver for SQS. Throws `ERR_CONFIGURATION` for illegal options. */
export function capabilitiesOf(endpoint: Endpoint, region: string | undefined, queues: Driver): Capabilities | Refusal {
  if (endpoint.kind === 'queue') return { refused: 'SNS has no queues', remedy: 'route it to the sqs driver' }
  if (endpoint.kind === 'stream') return { refused: 'SNS has no streams', remedy: 'route it to the kinesis driver, or use a topic, without replay' }
  const template = refusedTemplate(endpoint)
  if (template !== undefined) return template
  const route = resolveRouteOptions(endpoint)
  const topic = topicOf(endpoint.name, route.fifo)
  const problem = nameProblem(endpoint, topic, region)
  if (problem !== undefined) return { refused: problem, remedy: "correct the route's name" }
  const queue = endpoint.subscription === undefined ? queues.capabilities(anyQueue(topic.fifo)) : queueCapabilities(endpoint, topic, route, queues)
  if ('refused' in queue) return queue
  const shared = throughTopic(queue, topic.fifo, route.maxMessageBytes ?? limits.messageBytes)
  return Object.freeze(endpoint.subscription === undefined ? withoutReceiving(shared) : withFilters(shared, endpoint.subscription))
}

/** A topic is sent to whether or not anybody has subscribed. */
function anyQueue(fifo: boolean): Endpoint {
  return { destination: 'any', kind: 'queue', name: 'any', keyed: false, maxAttempts: 0, options: { fifo } }
}

function queueCapabilities(endpoint: Endpoint, topic: TopicName, route: ResolvedRouteOptions, queues: Driver): Capabilities | Refusal {
  const queue = queues.capabilities(queueEndpointOf(endpoint, topic, route))
  const place = undeliveredEndpointOf(endpoint, topic, route)
  const undelivered = place === undefined ? queue : queues.capabilities(place)
  const refusal = [queue, undelivered].find((found) => 'refused' in found)
  return refusal !== undefined && 'refused' in refusal ? { refused: `its queue: ${refusal.refused}`, remedy: refusal.remedy } : queue
}

/** A subscription is its queue; what is sent goes through the topic. */
function throughTopic(queue: Capabilities, fifo: boolean, maxMessageBytes: number): Capabilities {
  return {
    ...queue,
    kind: 'topic',
    ordering: fifo ? queue.ordering : 'none',
    delay: false,
    deduplication: fifo ? queue.deduplication : false,
    // Dead letters are in a queue of another driver, from which SQS moves nothing to here.
    redrive: 'copy',
    filter: 'native',
    headerFilter: 'native',
    maxMessageBytes,
    maxBatch: { messages: limits.batchEntries, bytes: maxMessageBytes, inFlight: 16 },
    subscriptions: 'durable',
    requestReply: false,
  }
}

/** A filter policy has one scope. Of two filters SNS takes that on headers; the other can be emulated, since the body has to be decoded anyway. */
function withFilters(capabilities: Capabilities, { filter, headerFilter }: EndpointSubscription): Capabilities {
  if (headerFilter === undefined) return capabilities
  // SNS wants quotes and backslashes in attributes escaped twice, and does not say what it compares them with.
  if (JSON.stringify(headerFilter).includes('\\')) return { ...capabilities, headerFilter: 'none' }
  return filter === undefined ? capabilities : { ...capabilities, filter: 'none' }
}

/** A topic stores nothing: it is sent to and never received from. */
function withoutReceiving(capabilities: Capabilities): Capabilities {
  return {
    ...capabilities,
    keyHold: false,
    lease: false,
    settlement: false,
    releaseCounts: false,
    redelivery: { immediate: false, delayed: false, onReconnect: false },
    deadLetter: 'none',
    peek: 'none',
    redrive: 'none',
    deliveryAttempt: 'none',
    competingConsumers: false,
    stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
  }
}
