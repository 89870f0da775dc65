import { isBrokerError, text, topic, type Message, type ParametersIn, type Subscription, type Topic } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkOrder, show } from '../kit/assert.ts'
import { keyOf } from '../kit/broker-kit.ts'
import type { CaseContext } from '../kit/context.ts'
import { numbered, outgoing } from '../kit/messages.ts'
import { describe, rejectionOf } from '../kit/refusal.ts'

type Parameters = ParametersIn<'trucks/{truckId}/{part}'>

interface Trucks {
  readonly name: string
  readonly destination: Topic<string, string, Parameters, false>
  readonly all: Subscription<string, string, Parameters>
}

const native = ({ addressTemplates, settlement }: Capabilities): boolean => addressTemplates === 'native' && settlement !== false

const filled: ContractCase = {
  id: 'topics/template',
  title: 'messages of an address template come with the parameters that they were sent with, and a subscription that fixes some gets those alone',
  examines: ['addressTemplates', 'subscriptions'],
  kills: ['overclaims-address-templates', 'parameters-mixed-up', 'fixed-parameters-ignored'],
  kinds: ['topic'],
  applies: native,
  async run(context) {
    const trucks = templated(context)
    const one = trucks.destination.subscription('one', { parameters: { truckId: '42' } })
    const exact = trucks.destination.subscription('exact', { parameters: { truckId: '42', part: 'door' } })
    const broker = context.api.make([trucks.destination, trucks.all, one, exact], { [trucks.name]: context.api.route() })
    const seen = new Map<string, string[]>()
    for (const source of [trucks.all, one, exact]) {
      const handled: string[] = []
      seen.set(source.name, handled)
      await broker.consume(source, recording(context, handled))
    }
    const producer = broker.producer(trucks.destination)
    await producer.send('a', { parameters: { truckId: '42', part: 'engine' } })
    await producer.send('b', { parameters: { truckId: '7', part: 'door' } })
    await producer.sendBatch(['c', 'd'], { parameters: { truckId: '42', part: 'door' } })
    const expected = {
      all: ['a 42 engine', 'b 7 door', 'c 42 door', 'd 42 door'],
      one: ['a 42 engine', 'c 42 door', 'd 42 door'],
      exact: ['c 42 door', 'd 42 door'],
    }
    for (const [name, texts] of Object.entries(expected)) {
      await context.waiting.eventually(
        () => texts.every((wanted) => seen.get(name)?.includes(wanted)),
        () => `subscription ${name} gets ${show(texts)}; it got ${show(seen.get(name))}`,
        context.harness.bounds.arrivalMs,
      )
    }
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    for (const [name, texts] of Object.entries(expected)) checkEqual([...new Set(seen.get(name))].toSorted(), texts, `what subscription ${name} gets`)
  },
}

/** Legal, and each of a meaning to some broker. */
const odd = ['ä b', '1.5', '*', '>', '$SYS', '%2F', '{part}', 'a,b', 'a?b=c', ' x ', '"', 'x'.repeat(200), '..', 'null']

const values: ContractCase = {
  id: 'topics/template-values',
  title: 'a value of a parameter comes as it was sent, or is refused: it is never cleaned, cut or read as more than a value',
  examines: ['addressTemplates'],
  kills: ['parameters-cleaned'],
  kinds: ['topic'],
  applies: native,
  async run(context) {
    const trucks = templated(context)
    const neighbour = trucks.destination.subscription('neighbour', { parameters: { truckId: 'a', part: 'engine' } })
    const broker = context.api.make([trucks.destination, trucks.all, neighbour], { [trucks.name]: context.api.route() })
    const [handled, astray]: [string[], string[]] = [[], []]
    await broker.consume(trucks.all, recording(context, handled))
    await broker.consume(neighbour, recording(context, astray))
    const producer = broker.producer(trucks.destination)
    const taken: string[] = []
    for (const [index, truckId] of odd.entries()) {
      const error = await producer.send(`m${index}`, { parameters: { truckId, part: 'engine' } }).then(() => undefined, reasonOf)
      check(error === undefined || isInvalid(error), () => `the value ${show(truckId)} is taken, or refused with ERR_INVALID; got ${describe(error)}`)
      if (error === undefined) taken.push(`m${index} ${truckId} engine`)
    }
    check(taken.length > 0, 'some of the values are taken')
    await context.waiting.eventually(
      () => taken.every((wanted) => handled.includes(wanted)),
      () => `what was taken arrives as it was sent: ${show(taken)}; it got ${show(handled)}`,
      context.harness.bounds.arrivalMs,
    )
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    checkEqual([...new Set(handled)].toSorted(), taken.toSorted(), 'what arrives')
    checkEqual(astray, [], 'what arrives at another address')
  },
}

const injected = ['', 'a/b', '/', '+', '#', 'a/#', 'x+', '\0', 'a\0b', '\uD800', '../a']

const injection: ContractCase = {
  id: 'topics/template-injection',
  title: 'a value that would be a wildcard, another level or no text is refused with ERR_INVALID, by the driver too, and nothing is sent',
  examines: ['addressTemplates'],
  kills: ['parameters-inject'],
  kinds: ['topic'],
  applies: native,
  async run(context) {
    const trucks = templated(context)
    const broker = context.api.make([trucks.destination, trucks.all], { [trucks.name]: context.api.route() })
    const handled: string[] = []
    await broker.consume(trucks.all, recording(context, handled))
    const producer = broker.producer(trucks.destination)
    for (const truckId of injected) {
      const error = await rejectionOf(() => producer.send('injected', { parameters: { truckId, part: 'engine' } }), `the value ${show(truckId)}`)
      check(isInvalid(error), () => `the value ${show(truckId)} is refused with ERR_INVALID; got ${describe(error)}`)
      check(error.message.includes('truckId'), () => `the refusal names the parameter: ${error.message}`)
      const [result] = await producer.sendBatch(['injected'], { parameters: { truckId, part: 'engine' } })
      check(result?.ok === false && result.stored === 'no' && isInvalid(result.error), () => `in a batch too; got ${show(result)}`)
    }
    // Dead letters come back with values that core has not looked at.
    const sender = (await context.connect()).link.sender({ ...context.endpoint(trucks.name), parameters: ['truckId', 'part'] })
    for (const parameters of [...injected.filter((value) => value !== '').map((truckId) => ({ truckId, part: 'engine' })), { truckId: '42' }, undefined]) {
      const message = { ...outgoing({ body: 'injected' }, 'injected', context.harness.clock.now()), parameters: parameters as Parameters | undefined }
      sender.sizeOf(message)
      const [result] = await sender.send([message], new AbortController().signal)
      check(
        result?.ok === false && result.stored === 'no',
        () => `the driver sends nothing with the parameters ${show(parameters)}; it answers ${show(result)}`,
      )
      check(isInvalid(result.error), () => `the driver refuses them with ERR_INVALID; got ${describe(result.error)}`)
    }
    await producer.send('legal', { parameters: { truckId: '42', part: 'engine' } })
    await context.waiting.eventually(() => handled.includes('legal 42 engine'), 'what is legal arrives', context.harness.bounds.arrivalMs)
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    checkEqual([...new Set(handled)], ['legal 42 engine'], 'what arrives')
  },
}

const again: ContractCase = {
  id: 'topics/template-again',
  title: 'what is tried again comes with the same parameters, in process and after its consumer has gone',
  examines: ['addressTemplates', 'redelivery'],
  kills: ['redelivery-without-parameters'],
  kinds: ['topic'],
  applies: native,
  waitsMs: ({ lease }) => (lease !== false && lease.kind === 'message' ? lease.ms : 0),
  async run(context) {
    const trucks = templated(context)
    const make = () => context.api.make([trucks.destination, trucks.all], { [trucks.name]: context.api.route() })
    const [first, second]: [string[], string[]] = [[], []]
    const broker = make()
    const running = Promise.withResolvers<void>()
    await broker.consume(trucks.all, (message) => {
      record(context, first, message)
      if (message.attempt === 1) throw new Error('not yet')
      return running.promise
    })
    await broker.producer(trucks.destination).send('a', { parameters: { truckId: '42', part: 'engine' } })
    await context.waiting.eventually(() => first.length >= 2, 'it is tried again', 60_000)
    await broker.close()
    running.resolve()
    await make().consume(trucks.all, recording(context, second))
    await context.waiting.eventually(() => second.length > 0, 'it comes to the next consumer', 60_000 + context.harness.bounds.arrivalMs)
    for (const seen of [...first, ...second]) checkEqual(seen, 'a 42 engine', 'a delivery')
  },
}

const dead: ContractCase = {
  id: 'topics/template-dead-letter',
  title: 'a dead letter keeps the parameters of its address: they are seen where it lies, and it is redriven to the address that it came from',
  examines: ['addressTemplates', 'deadLetter'],
  kills: ['redrive-to-another-address'],
  kinds: ['topic'],
  looksAtDeadLetters: true,
  applies: (capabilities) => native(capabilities) && capabilities.deadLetter !== 'none',
  async run(context) {
    const trucks = templated(context)
    const broker = context.api.make([trucks.destination, trucks.all], { [trucks.name]: context.api.route() })
    const handled: string[] = []
    const consumer = await broker.consume(trucks.all, (message) => {
      record(context, handled, message)
      return message.deadLetter({ reason: 'broken' })
    })
    const producer = broker.producer(trucks.destination)
    await producer.send('x', { parameters: { truckId: '1', part: 'door' } })
    await producer.send('a', { parameters: { truckId: '42', part: 'engine' } })
    await context.waiting.eventually(() => new Set(handled).size === 2, 'both are handled', context.harness.bounds.arrivalMs)
    await consumer.drain()
    const letters = broker.deadLetters(trucks.all)
    const claimed = context.harness.createDriver().capabilities({ ...context.endpoint(trucks.name, {}, { name: 'all' }), parameters: ['truckId', 'part'] })
    check(!('refused' in claimed), 'a subscription that is received from is not refused')
    if (claimed.peek !== 'none') {
      const found = await letters.peek()
      checkEqual(
        [...new Set(found.map(({ parameters }) => `${parameters?.['truckId']} ${parameters?.['part']}`))].toSorted(),
        ['1 door', '42 engine'],
        'parameters of the dead letters',
      )
    }
    handled.length = 0
    await broker.consume(trucks.all, recording(context, handled))
    await letters.redrive({
      ...(claimed.redrive === 'none' ? { to: trucks.destination } : {}),
      where: ({ parameters }) => parameters?.['truckId'] === '42',
    })
    await context.waiting.eventually(() => handled.length > 0, 'what was redriven arrives', context.harness.bounds.arrivalMs)
    checkEqual([...new Set(handled)], ['a 42 engine'], 'what was redriven')
    // The place is a source like any other.
    const repaired: string[] = []
    await broker.consume(letters.queue, recording(context, repaired))
    await context.waiting.eventually(() => repaired.includes('x 1 door'), 'the other one can be consumed where it lies', 60_000)
  },
}

/** JSON writes each of them with two characters, so that a header with a long one may be longer than the broker takes. */
const longAddresses = [60_000, 30_000, 2_000].map((length) => '"'.repeat(length))

const longAddress: ContractCase = {
  id: 'topics/template-long-address',
  title: 'a message of an address so long that a header cannot hold it gets to the dead letters, whole, and holds up nothing',
  examines: ['addressTemplates', 'deadLetter'],
  kills: ['long-header-lost'],
  kinds: ['topic'],
  looksAtDeadLetters: true,
  applies: (capabilities) => native(capabilities) && capabilities.deadLetter !== 'none',
  async run(context) {
    const trucks = templated(context)
    const broker = context.api.make([trucks.destination, trucks.all], { [trucks.name]: context.api.route() })
    const handled: string[] = []
    await broker.consume(
      trucks.all,
      (message) => {
        handled.push(message.body)
        context.changes.notify()
        return message.body === 'long' ? message.deadLetter({ reason: 'broken' }) : undefined
      },
      { concurrency: 1, maxInFlight: 1 },
    )
    const producer = broker.producer(trucks.destination)
    let refused: unknown
    for (const truckId of longAddresses) {
      refused = await producer.send('long', { parameters: { truckId, part: 'engine' } }).then(() => undefined, reasonOf)
      if (refused === undefined) break
      check(isInvalid(refused), () => `an address that is too long is refused with ERR_INVALID; got ${describe(refused)}`)
    }
    check(refused === undefined, () => `an address of 2,000 characters is taken; got ${describe(refused)}`)
    await producer.send('short', { parameters: { truckId: '42', part: 'engine' } })
    await context.waiting.eventually(() => handled.includes('short'), 'what is behind it is handled', 60_000)
    const dead: string[] = []
    await broker.consume(broker.deadLetters(trucks.all).queue, ({ body }) => {
      dead.push(body)
      context.changes.notify()
    })
    await context.waiting.eventually(() => dead.length > 0, 'the dead letter is there', context.harness.bounds.arrivalMs)
    checkEqual([...new Set(dead)], ['long'], 'dead letters')
  },
}

const keys: ContractCase = {
  id: 'topics/template-keys',
  title: 'at one address the messages of an ordering key keep their order, beside those of other addresses',
  examines: ['addressTemplates', 'ordering'],
  kills: ['order-lost-at-addresses'],
  kinds: ['topic'],
  keyed: true,
  applies: (capabilities) => native(capabilities) && capabilities.ordering !== 'none',
  async run(context) {
    const trucks = templated(context)
    const broker = context.api.make([trucks.destination, trucks.all], { [trucks.name]: context.api.route() })
    const handled: string[] = []
    await broker.consume(trucks.all, ({ body }) => {
      handled.push(body)
      context.changes.notify()
    })
    const producer = broker.producer(trucks.destination)
    const trucksOfCase = ['1', '2', '3']
    // What comes while a session opens is overtaken with some brokers, which is what other cases are about.
    const before = trucksOfCase.flatMap((truckId) => numbered(`${truckId}:before`, 4))
    await Promise.all(before.map((body) => producer.send(body, { parameters: { truckId: keyOf(body), part: 'engine' } })))
    await context.waiting.eventually(() => before.every((wanted) => handled.includes(wanted)), 'the first ones are handled', context.harness.bounds.arrivalMs)
    const bodies = trucksOfCase.map((truckId) => ({ truckId, texts: numbered(`${truckId}:m`, 20) }))
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        bodies.map(({ truckId, texts }) => producer.send(texts[index] ?? '', { parameters: { truckId, part: 'engine' } })),
      ).flat(),
    )
    const all = bodies.flatMap(({ texts }) => texts)
    await context.waiting.eventually(() => all.every((wanted) => handled.includes(wanted)), 'all are handled', context.harness.bounds.arrivalMs)
    for (const { truckId, texts } of bodies)
      checkOrder(
        handled.filter((body) => texts.includes(body)),
        texts,
        `key ${truckId}`,
      )
  },
}

const provisioned: ContractCase = {
  id: 'topics/template-provisioning',
  title: 'the subscription of an address template is missing until it is made, and is found when it has been',
  examines: ['addressTemplates', 'subscriptions'],
  kills: ['template-subscription-not-made'],
  kinds: ['topic'],
  applies: native,
  async run(context) {
    const trucks = templated(context)
    const start = (provision: 'create' | 'verify') => context.api.make([trucks.destination, trucks.all], { [trucks.name]: route }, { provision }).start()
    const route = context.api.route()
    const { link } = await context.admin()
    check(link.topology !== undefined, 'the driver makes what is missing')
    const missing = await rejectionOf(() => start('verify'), 'a start without what it needs')
    check(isBrokerError(missing) && missing.code === 'ERR_NOT_FOUND', () => `it is reported as ERR_NOT_FOUND; got ${describe(missing)}`)
    await start('create')
    await start('verify')
  },
}

export const templateCases: readonly ContractCase[] = [filled, values, injection, again, dead, longAddress, keys, provisioned]

function templated(context: CaseContext): Trucks {
  const name = `${context.uniqueName()}/{truckId}/{part}` as 'trucks/{truckId}/{part}'
  const options = { codec: text, ...(context.keyed ? { orderingKey: keyOf } : {}) }
  const destination = topic<string, typeof name>(name, options)
  return { name, destination, all: destination.subscription('all') }
}

function recording(context: CaseContext, handled: string[]): (message: Message<string>) => void {
  return (message) => record(context, handled, message)
}

function record({ changes }: CaseContext, handled: string[], { body, parameters }: Message<string>): void {
  handled.push(`${body} ${parameters?.['truckId']} ${parameters?.['part']}`)
  changes.notify()
}

function reasonOf(error: unknown): unknown {
  return error
}

function isInvalid(error: unknown): error is Error {
  return isBrokerError(error) && error.code === 'ERR_INVALID'
}
