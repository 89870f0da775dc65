import { describe, expect, it } from 'vitest'
import { queue } from '../definitions/queue.ts'
import { topic } from '../definitions/topic.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { createBroker } from './create-broker.ts'
import type { BrokerOptions } from './types.ts'

const driver = new NaiveDriver()
const destinations = [queue('orders')]

function refusal(options: object): string {
  try {
    createBroker(options as BrokerOptions)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIGURATION' })
    return (error as Error).message
  }
  return 'accepted'
}

describe('createBroker', () => {
  it('accepts all that it documents', () => {
    const route = {
      driver,
      name: 'prod',
      deadLetter: { destination: 'dead', driver },
      maxAttempts: 5,
      emulate: ['filter'],
      ordering: 'best-effort',
      options: {},
    }
    expect(refusal({ driver, destinations, routes: { orders: route }, provision: 'none', emulate: ['filter'], log: undefined, telemetry: {} })).toBe('accepted')
  })

  it('finds the route of a topic of which only a subscription is listed, and refuses one for the subscription alone', () => {
    const billing = topic('placed').subscription('billing')
    expect(refusal({ driver, destinations: [billing], routes: { placed: { name: 'prod-placed' } } })).toBe('accepted')
    expect(refusal({ driver, destinations: [billing], routes: { 'placed.billing': { name: 'x' } } })).toBe(
      "routes: there is no destination 'placed.billing'; known: placed",
    )
  })

  it('takes a driver alone for a route to it', async () => {
    const [other, orders] = [new NaiveDriver(), queue('orders')]
    const broker = createBroker({ driver, destinations: [orders], routes: { orders: other } })
    await broker.producer(orders).send('here')
    expect(other.queue('orders').ready.map(({ incoming }) => incoming.body)).toEqual(['"here"'])
    await broker.close()
  })

  it.each<[string, object, string]>([
    ['no driver', { destinations }, 'createBroker: driver must be a driver, such as memory(), not null'],
    ['the maker of a driver', { driver: () => driver, destinations }, 'createBroker: driver must be a driver, such as memory(), not function'],
    ['no destinations', { driver }, 'createBroker: destinations must be a list of queues, topics, streams and subscriptions'],
    ['one destination', { driver, destinations: destinations[0] }, 'createBroker: destinations must be a list of queues, topics, streams and subscriptions'],
    ['a name as destination', { driver, destinations: ['orders'] }, 'createBroker: destinations must be a list of queues, topics, streams and subscriptions'],
    ['a destination of no known kind', { driver, destinations: [{ ...queue('orders'), kind: 'qeue' }] }, 'createBroker: destinations must be a list of queues'],
    ['what only looks like a queue', { driver, destinations: [{ kind: 'queue' }] }, 'createBroker: destinations must be a list of queues'],
    [
      'a subscription of nothing',
      { driver, destinations: [{ kind: 'subscription', name: 'billing', options: {} }] },
      'createBroker: destinations must be a list of queues',
    ],
    ['nothing as destination', { driver, destinations: [null] }, 'createBroker: destinations must be a list of queues'],
    ['a naming that answers a number', { driver, destinations, naming: () => 5 }, "naming('orders') must be a text"],
    ['a naming that answers nothing', { driver, destinations, naming: () => undefined }, "naming('orders') must be a text"],
    ['a naming that answers no characters', { driver, destinations, naming: () => '' }, "naming('orders') must be a text"],
    [
      'an unknown hook',
      { driver, destinations, telemetry: { proces: () => undefined } },
      "createBroker: telemetry: unknown option 'proces'; did you mean 'process'?",
    ],
    ['a hook that is none', { driver, destinations, telemetry: { send: 5 } }, 'createBroker: telemetry.send must be a function'],
    ['an unknown option', { driver, destinations, destinatons: [] }, "createBroker: unknown option 'destinatons'; did you mean 'destinations'?"],
    ['a route that is text', { driver, destinations, routes: { orders: 'x' } }, 'createBroker: routes.orders must be a driver, such as memory(), not string'],
    [
      'an unknown route option',
      { driver, destinations, routes: { orders: { deadLeter: 'drop' } } },
      "createBroker: routes.orders: unknown option 'deadLeter'; did you mean 'deadLetter'?",
    ],
    [
      'an unknown dead-letter word',
      { driver, destinations, routes: { orders: { deadLetter: 'dropp' } } },
      "routes.orders.deadLetter must be 'drop' or 'block'",
    ],
    [
      'an unknown dead-letter option',
      { driver, destinations, routes: { orders: { deadLetter: { destinatoin: 'x' } } } },
      "routes.orders.deadLetter: unknown option 'destinatoin'; did you mean 'destination'?",
    ],
    ['an empty name', { driver, destinations, routes: { orders: { name: '' } } }, 'createBroker: routes.orders.name must be a text'],
    ['an unknown emulation', { driver, destinations, emulate: ['filtr'] }, "createBroker: emulate must be 'filter'"],
    ['an unknown provision', { driver, destinations, provision: 'creat' }, "createBroker: provision must be 'create' or 'verify' or 'none'"],
    ['a log that is text', { driver, destinations, log: 'x' }, 'createBroker: log must be a function'],
    ['telemetry that is a number', { driver, destinations, telemetry: 5 }, 'createBroker: telemetry must be an object'],
    ['a clock that is none', { driver, destinations, clock: Date }, 'createBroker: clock must be a clock, not function'],
  ])('refuses %s', (_what, options, message) => {
    expect(refusal(options)).toContain(message)
  })

  it('takes a class with members of its own as telemetry', () => {
    class Meter {
      readonly calls: string[] = []
      call(event: { readonly call: string }): void {
        this.calls.push(event.call)
      }
    }
    expect(refusal({ driver, destinations, telemetry: new Meter() })).toBe('accepted')
  })

  it('finds no route in what every object has', async () => {
    const own = new NaiveDriver()
    const odd = queue('constructor')
    const broker = createBroker({ driver: own, destinations: [odd], routes: {} })
    await broker.producer(odd).send('here')
    expect(own.queue('constructor').ready.length).toBe(1)
    await broker.close()
  })

  it('refuses an unknown mode of provision when it is called', async () => {
    await expect(createBroker({ driver, destinations }).provision({ mode: 'creat' } as never)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
  })

  it('refuses two destinations that take one name at the broker, also one that the driver adds', () => {
    class Partitioned extends NaiveDriver {
      reserves({ name, keyed }: { readonly name: string; readonly keyed: boolean }): string[] {
        return keyed ? [`${name}.p0`, `${name}.p1`] : []
      }
    }
    const keyed = queue<{ id: string }>('orders', { orderingKey: ({ id }) => id })
    expect(refusal({ driver: new Partitioned(), destinations: [keyed, queue('orders.p1')] })).toBe(
      'orders and orders.p1 both take orders.p1 on naive; give one of them another name in its route',
    )
  })
})
