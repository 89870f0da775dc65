import { queue, stream, text, topic, type DestinationOptions, type Requirements, type SendOptions } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import type { CaseId } from '../case-ids.ts'
import type { ContractCase } from '../case.ts'
import { kinds } from '../harness.ts'
import { check } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import { expectRefusal } from '../kit/refusal.ts'

const kindsRefused: ContractCase = {
  id: 'capabilities/kind-refused',
  title: 'a destination of a kind that the driver does not have is refused at start, with the remedy',
  examines: ['kind'],
  kills: ['kind-claimed-and-refused'],
  async run(context) {
    const driver = context.harness.createDriver()
    for (const kind of kinds) {
      const name = context.uniqueName()
      const answer = driver.capabilities(context.endpoint(name, { kind }))
      const definition = kind === 'queue' ? queue(name) : kind === 'topic' ? topic(name) : stream(name)
      const broker = context.api.make([definition], { [name]: { ...context.api.route(), ...routeOptions(context, kind) } })
      if (!('refused' in answer)) await broker.start()
      else {
        const error = await expectRefusal(() => broker.start(), name)
        if (!error.message.includes(answer.remedy)) throw new Error(`the refusal names the remedy "${answer.remedy}": ${error.message}`)
      }
    }
  },
}

/** What a driver lacks must be refused when it is required: one case per capability, each the negative of a positive case. */
const negatives: readonly {
  readonly id: CaseId
  readonly what: string
  readonly key: keyof Capabilities
  readonly absent: (capabilities: Capabilities) => boolean
  readonly keyed?: true
  readonly options: (capabilities: Capabilities) => DestinationOptions<string>
}[] = [
  {
    id: 'capabilities/ordering-refused',
    what: 'ordering keys',
    key: 'ordering',
    absent: ({ ordering }) => ordering === 'none',
    keyed: true,
    options: () => ({}),
  },
  {
    id: 'capabilities/delay-refused',
    what: 'delayed sends',
    key: 'delay',
    absent: ({ delay }) => delay === false,
    options: () => required({ delayMs: 1_000 }),
  },
  {
    id: 'capabilities/long-delay-refused',
    what: 'a delay above the limit',
    key: 'delay',
    absent: ({ delay }) => delay !== false && Number.isFinite(delay.maxMs),
    options: ({ delay }) => required({ delayMs: (delay === false ? 0 : delay.maxMs) + 1 }),
  },
  {
    id: 'capabilities/deduplication-refused',
    what: 'deduplication',
    key: 'deduplication',
    absent: ({ deduplication }) => deduplication === false,
    options: () => required({ deduplicationMs: 1_000 }),
  },
  {
    id: 'capabilities/time-to-live-refused',
    what: 'a time to live',
    key: 'timeToLive',
    absent: ({ timeToLive }) => timeToLive === false,
    options: () => required({ timeToLiveMs: 1_000 }),
  },
  {
    id: 'capabilities/priority-refused',
    what: 'priorities',
    key: 'priority',
    absent: ({ priority }) => priority === false,
    options: () => required({ priorityLevels: 2 }),
  },
  {
    id: 'capabilities/body-size-refused',
    what: 'bodies above the limit',
    key: 'maxMessageBytes',
    absent: ({ maxMessageBytes }) => maxMessageBytes < Number.MAX_SAFE_INTEGER,
    options: ({ maxMessageBytes }) => required({ bodyBytes: maxMessageBytes + 1 }),
  },
  {
    id: 'capabilities/headers-refused',
    what: 'more headers than the limit',
    key: 'maxHeaders',
    absent: ({ maxHeaders }) => maxHeaders !== false,
    options: ({ maxHeaders }) => required({ headers: (maxHeaders || 0) + 1 }),
  },
  {
    id: 'capabilities/confirms-refused',
    what: 'confirmed sends',
    key: 'confirms',
    absent: ({ confirms }) => !confirms,
    options: () => required({ confirms: true }),
  },
]

const refusedRequirements: readonly ContractCase[] = negatives.map(({ id, what, key, absent, keyed, options }) => ({
  id,
  title: `without it, a destination that requires ${what} is refused at start`,
  examines: [key],
  kills: [],
  ...(keyed === undefined ? {} : { keyed }),
  applies: absent,
  async run(context: CaseContext) {
    const { capabilities } = await context.place()
    const place = context.api.place(options(capabilities))
    await expectRefusal(() => context.api.broker(place), place.name)
  },
}))

/** What a driver lacks must be refused when a send asks for it, and nothing may arrive without it instead. */
const sendNegatives: readonly {
  readonly id: CaseId
  readonly what: string
  readonly key: 'delay' | 'timeToLive' | 'priority'
  readonly options: SendOptions
}[] = [
  { id: 'capabilities/delayed-send-refused', what: 'a delay', key: 'delay', options: { delayMs: 60_000 } },
  { id: 'capabilities/time-to-live-send-refused', what: 'a time to live', key: 'timeToLive', options: { timeToLiveMs: 60_000 } },
  { id: 'capabilities/priority-send-refused', what: 'a priority', key: 'priority', options: { priority: 1 } },
]

const refusedSends: readonly ContractCase[] = sendNegatives.map(({ id, what, key, options }) => ({
  id,
  title: `without it, a send with ${what} rejects`,
  examines: [key],
  kills: ['inspect-adds'],
  applies: (capabilities) => capabilities[key] === false,
  async run(context: CaseContext) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    await expectRefusal(() => broker.producer(place.destination).send('unwanted', options), place.name)
  },
}))

const headerFilterRefused: ContractCase = {
  id: 'capabilities/header-filter-refused',
  title: 'without a native header filter a subscription with one is refused at start',
  examines: ['headerFilter'],
  kills: [],
  kinds: ['topic', 'stream'],
  applies: ({ headerFilter }) => headerFilter === 'none',
  async run(context) {
    const place = context.api.place({}, { headerFilter: { tenant: ['acme'] } })
    await expectRefusal(() => context.api.broker(place), place.name)
  },
}

const requestRefused: ContractCase = {
  id: 'capabilities/request-refused',
  title: 'without replies a request is refused',
  examines: ['requestReply'],
  kills: [],
  kinds: ['queue'],
  applies: ({ requestReply }) => !requestReply,
  async run(context) {
    const anything = { '~standard': { version: 1 as const, vendor: 'busbar', validate: (value: unknown) => ({ value }) } }
    const place = queue<string, unknown>(context.uniqueName(), { codec: text, reply: anything })
    const broker = context.api.make([place], { [place.name]: context.api.route() })
    await expectRefusal(async () => {
      await broker.start()
      await broker.request(place, 'anyone?', { timeoutMs: 1_000 })
    }, place.name)
  },
}

const templateRefused: ContractCase = {
  id: 'capabilities/address-template-refused',
  title: 'without address templates a topic whose name has parameters is refused at start, with the remedy',
  examines: ['addressTemplates'],
  kills: ['template-refused-as-name'],
  kinds: ['topic'],
  applies: ({ addressTemplates }) => addressTemplates === 'none',
  async run(context) {
    const name = `${context.uniqueName()}/{truckId}`
    const trucks = topic<string, '/{truckId}'>(name as '/{truckId}', { codec: text })
    const error = await expectRefusal(() => context.api.make([trucks], { [name]: context.api.route() }).start(), name)
    check(error.message.includes('headerFilter'), () => `the refusal says what to do instead: ${error.message}`)
  },
}

export const refusalCases: readonly ContractCase[] = [
  kindsRefused,
  ...refusedRequirements,
  ...refusedSends,
  headerFilterRefused,
  requestRefused,
  templateRefused,
]

function required(requires: Requirements): DestinationOptions<string> {
  return { requires }
}

function routeOptions(context: CaseContext, kind: (typeof kinds)[number]): { readonly options?: Readonly<Record<string, unknown>> } {
  const options = context.harness.routeOptions?.(kind, false)
  return options === undefined ? {} : { options }
}
