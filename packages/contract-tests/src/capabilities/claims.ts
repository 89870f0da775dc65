import type { Capabilities, Refusal } from '@busbar/core/driver'
import { isBrokerError } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { kinds } from '../harness.ts'
import { check, checkEqual, show } from '../kit/assert.ts'
import { combine } from '../kit/place.ts'

/** Every key that a capabilities object must have; a new one fails to compile until it is listed. */
const keys: Readonly<Record<keyof Capabilities, true>> = {
  kind: true,
  delivery: true,
  ordering: true,
  keyHold: true,
  lease: true,
  settlement: true,
  releaseCounts: true,
  batchOrder: true,
  callOrder: true,
  redelivery: true,
  delay: true,
  deduplication: true,
  deadLetter: true,
  peek: true,
  redrive: true,
  replay: true,
  filter: true,
  headerFilter: true,
  addressTemplates: true,
  deliveryAttempt: true,
  maxMessageBytes: true,
  maxHeaders: true,
  maxBatch: true,
  competingConsumers: true,
  subscriptions: true,
  requestReply: true,
  timeToLive: true,
  priority: true,
  stats: true,
  timestampResolutionMs: true,
  confirms: true,
}

export const capabilityKeys: readonly (keyof Capabilities)[] = Object.keys(keys) as (keyof Capabilities)[]

const complete: ContractCase = {
  id: 'capabilities/complete',
  title: 'capabilities are complete, frozen, consistent and the same at every call; a refusal has a reason and a remedy',
  examines: ['kind', 'keyHold', 'redelivery', 'requestReply'],
  kills: [
    'capabilities-mutable',
    'capabilities-inconsistent',
    'capabilities-change',
    'overclaims-key-hold',
    'overclaims-redelivery-order-alone',
    'overclaims-request-reply-elsewhere',
  ],
  async run(context) {
    const driver = context.harness.createDriver()
    for (const kind of kinds) {
      // Both, whatever the case's context is: what is claimed of keys is claimed of an endpoint with keys alone.
      for (const keyed of [false, true]) {
        const name = context.harness.uniqueName('claim', keyed)
        const options = context.harness.routeOptions?.(kind, keyed) ?? {}
        const endpoint = { ...context.endpoint(name, { kind }, kind === 'queue' ? undefined : { name: 'sub-1' }), keyed, options }
        const answer = driver.capabilities(endpoint)
        checkEqual(driver.capabilities(endpoint), answer, `${kind}: a second answer`)
        if ('refused' in answer) checkRefusal(kind, answer)
        else checkConsistent(kind, answer)
      }
    }
  },
}

const narrows: ContractCase = {
  id: 'capabilities/inspect-narrows',
  title: 'what the broker says may narrow the capabilities claimed from options alone, never widen them',
  examines: ['kind', 'maxMessageBytes', 'delay', 'deduplication'],
  kills: ['inspect-adds', 'inspect-widens', 'inspect-changes-call-order'],
  async run(context) {
    const place = await context.place()
    const driver = context.harness.createDriver()
    const claims = [driver.capabilities(place.destination), driver.capabilities(place.source)]
    const [sending, receiving] = claims.map((claim) => {
      check(!('refused' in claim), 'an endpoint that was inspected is not refused')
      return claim
    })
    check(sending !== undefined && receiving !== undefined, 'both endpoints have capabilities')
    const claimed = place.source === place.destination ? sending : combine(sending, receiving)
    const wider = capabilityKeys.filter((key) => isWider(key, place.capabilities[key], claimed[key]))
    check(wider.length === 0, () => `inspect widens ${wider.map((key) => `${key} from ${show(claimed[key])} to ${show(place.capabilities[key])}`).join(', ')}`)
  },
}

const addresses: ContractCase = {
  id: 'capabilities/addresses',
  title: 'the address of an endpoint is the same at every call, and two names have two addresses',
  examines: [],
  kills: ['addresses-collide'],
  async run(context) {
    const driver = context.harness.createDriver()
    const names = [context.uniqueName('one'), context.uniqueName('two')]
    const [one, two] = names.map((name) => driver.address(context.endpoint(name)))
    check(one !== two, () => `two names share the address ${show(one)}`)
    checkEqual(driver.address(context.endpoint(names[0] ?? '')), one, 'a second answer')
  },
}

const missing: ContractCase = {
  id: 'capabilities/missing-endpoint',
  title: 'an endpoint that does not exist is reported as ERR_NOT_FOUND, not made up',
  examines: [],
  kills: ['inspect-invents'],
  async run(context) {
    const session = await context.connect()
    const endpoint = context.endpoint(context.uniqueName('missing'), {}, context.kind === 'queue' ? undefined : { name: 'sub-1' })
    let error: unknown
    await session.link.inspect(endpoint, new AbortController().signal).catch((reason: unknown) => (error = reason))
    check(
      isBrokerError(error) && error.code === 'ERR_NOT_FOUND',
      () => `inspect rejects with ERR_NOT_FOUND; got ${show(error instanceof Error ? error.message : error)}`,
    )
  },
}

export const claimCases: readonly ContractCase[] = [complete, narrows, addresses, missing]

function checkRefusal(kind: string, refusal: Refusal): void {
  check(refusal.refused.length > 10 && refusal.remedy.length > 5, () => `${kind}: a refusal says why and what to do instead: ${show(refusal)}`)
}

function checkConsistent(kind: string, claimed: Capabilities): void {
  check(Object.isFrozen(claimed), `${kind}: the capabilities are frozen`)
  const absent = capabilityKeys.filter((key) => claimed[key] === undefined)
  check(absent.length === 0, () => `${kind}: capabilities without ${absent.join(', ')}`)
  checkEqual(claimed.kind, kind, `${kind}: its kind`)
  check((claimed.ordering === 'none') === (claimed.keyHold === false), `${kind}: order needs someone who holds failed keys back, and only order does`)
  check((claimed.lease === false) === (claimed.settlement === false), `${kind}: what can be received can be settled`)
  check(claimed.maxBatch.messages >= 1 && claimed.maxBatch.inFlight >= 1 && claimed.maxBatch.bytes >= 1, `${kind}: a batch has room for a message`)
  const { immediate, delayed } = claimed.redelivery
  check(claimed.keyHold !== 'broker' || immediate || delayed !== false, `${kind}: a broker that keeps failed keys back can be given a message back`)
  // What this process holds would overtake a message that waits at the broker.
  const keepsOrder = claimed.ordering !== 'none' && delayed !== false && delayed.keepsOrder
  check(!keepsOrder || claimed.keyHold === 'broker', `${kind}: delayed redelivery keeps order only where the broker keeps failed keys back`)
  check(claimed.replay === false || kind === 'stream', `${kind}: only streams are replayed`)
  check(claimed.addressTemplates === 'none' || kind === 'topic', `${kind}: only the names of topics have parameters`)
  check(!claimed.requestReply || kind === 'queue', `${kind}: only queues answer requests`)
}

/** Keys whose `false` means "no limit": a number is narrower. */
const unlimited: ReadonlySet<string> = new Set(['maxHeaders', 'maxHoldMs'])
/** Keys where a larger number promises less. */
const finerIsLess: ReadonlySet<string> = new Set(['resolutionMs', 'lingerMs', 'ms'])

function isWider(key: string, actual: unknown, claimed: unknown): boolean {
  // Core goes by what is known from options alone.
  if (key === 'callOrder') return actual !== claimed
  if (key === 'keyHold' || key === 'batchOrder' || key === 'releaseCounts') return false
  if (claimed === false && unlimited.has(key)) return false
  if (claimed === false || claimed === 'none') return actual !== claimed
  if (finerIsLess.has(key)) return typeof actual === 'number' && typeof claimed === 'number' && actual < claimed
  if (typeof claimed === 'number') return typeof actual === 'number' && actual > claimed
  if (typeof claimed === 'object' && claimed !== null && typeof actual === 'object' && actual !== null) {
    return Object.entries(actual).some(([part, value]) => isWider(part, value, (claimed as Record<string, unknown>)[part]))
  }
  return false
}
