import { BrokerError, isBrokerError, mustKeepAll, type Link } from '@busbar/core/driver'
import { memory } from '@busbar/memory'
import type { Mutant } from '../mutant.ts'
import { claiming } from './schedules.ts'

const streamsClaimed = memory().capabilities({ destination: 'any', kind: 'stream', name: 'any', keyed: false, maxAttempts: 0, options: {} })

export const claimFaults: readonly Mutant[] = [
  {
    name: 'lease-without-end',
    fault: 'claims leases that can be extended without an end',
    killedBy: 'retry/policy-refused',
    alsoOn: ['sqs-standard', 'sqs-fifo'],
    alterations: () => claiming(({ lease }) => (lease !== false && lease.kind === 'message' ? { lease: { ...lease, maxMs: Infinity } } : {})),
  },
  {
    name: 'left-over-limit-kept',
    fault: 'serves a route without a native limit by a source that still has one',
    killedBy: 'retry/left-over-limit',
    alterations: () => ({ endpoint: (endpoint) => (mustKeepAll(endpoint) ? { ...endpoint, maxAttempts: 1 } : endpoint) }),
  },
  {
    name: 'capabilities-mutable',
    fault: 'gives its capabilities to be changed',
    killedBy: 'capabilities/complete',
    alterations: () => ({ capabilities: (claimed) => ({ ...claimed }) }),
  },
  {
    name: 'capabilities-inconsistent',
    fault: 'claims order without anyone who holds failed keys back',
    killedBy: 'capabilities/complete',
    alterations: () => claiming(() => ({ keyHold: false })),
  },
  {
    name: 'capabilities-change',
    fault: 'claims something else at every call',
    killedBy: 'capabilities/complete',
    alterations: () => {
      let calls = 0
      return { capabilities: (claimed) => ('refused' in claimed ? claimed : Object.freeze({ ...claimed, maxMessageBytes: claimed.maxMessageBytes - ++calls })) }
    },
  },
  {
    name: 'inspect-adds',
    fault: 'finds capabilities when connected that it had denied',
    killedBy: 'capabilities/inspect-narrows',
    alsoKilledBy: ['capabilities/delayed-send-refused', 'capabilities/time-to-live-send-refused', 'capabilities/priority-send-refused'],
    profile: 'kinesis',
    alterations: () => ({
      inspect: async (next) => ({
        ...(await next()),
        delay: { maxMs: 86_400_000, resolutionMs: 0 },
        deduplication: { windowMs: 300_000 },
        priority: { levels: 10 },
        timeToLive: { maxMs: 86_400_000 },
      }),
    }),
  },
  {
    name: 'inspect-widens',
    fault: 'has more capabilities once connected than it claimed',
    killedBy: 'capabilities/inspect-narrows',
    alterations: () => ({ inspect: async (next) => ({ ...(await next()), maxMessageBytes: Number.MAX_SAFE_INTEGER }) }),
  },
  {
    name: 'addresses-collide',
    fault: 'gives all destinations one address',
    killedBy: 'capabilities/addresses',
    alterations: () => ({ address: () => 'everything' }),
  },
  {
    name: 'inspect-changes-call-order',
    fault: 'tells by inspect that calls of send can overtake each other, and not from options alone, as core has to know it',
    killedBy: 'capabilities/inspect-narrows',
    alterations: () => ({ inspect: async (next) => ({ ...(await next()), callOrder: 'none' }) }),
  },
  {
    name: 'inspect-invents',
    fault: 'makes up what it does not find',
    killedBy: 'capabilities/missing-endpoint',
    alterations: () => {
      let known: Awaited<ReturnType<Link['inspect']>> | undefined
      return {
        capabilities: (claimed) => {
          if (!('refused' in claimed)) known = claimed
          return claimed
        },
        inspect: async (next) => {
          try {
            return await next()
          } catch (error) {
            if (isBrokerError(error) && known !== undefined) return known
            throw error
          }
        },
      }
    },
  },
  {
    name: 'kind-claimed-and-refused',
    fault: 'claims streams and has none',
    killedBy: 'capabilities/kind-refused',
    profile: 'sqs-standard',
    kind: 'queue',
    alterations: () => ({
      capabilities: (claimed, endpoint) => ('refused' in claimed && endpoint.kind === 'stream' ? streamsClaimed : claimed),
      inspect: (next, endpoint) => (endpoint.kind === 'stream' ? Promise.reject(new BrokerError('ERR_UNSUPPORTED', 'no streams')) : next()),
    }),
  },
]
