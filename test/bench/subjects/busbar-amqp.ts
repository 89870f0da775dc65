import { amqp } from '@busbar/amqp'
import { bytes, createBroker, queue, type Queue } from '@busbar/core'
import { buffers, Order, orders } from '../bodies.ts'
import { acksTakenMs, type AmqpSubject, type AmqpWork } from './amqp-subject.ts'
import { busbarSubject, type BusbarParts } from './busbar.ts'
import { variantsOf } from './subject.ts'

export const busbarAmqp: AmqpSubject = busbarSubject<AmqpWork>(connect, { settleMs: acksTakenMs })

function connect(work: AmqpWork): BusbarParts {
  const destination = define(work)
  const broker = createBroker({ driver: amqp({ url: work.url }), destinations: [destination], provision: 'create' })
  const bodies = (): readonly unknown[] => (work.body === 'json' ? orders() : buffers(variantsOf(work)))
  return { broker, destination, source: destination, bodies }
}

function define({ body, hotKey, place }: AmqpWork): Queue {
  const key = hotKey === undefined ? {} : { orderingKey: () => 'hot' }
  if (body === 'json') return queue(place, { schema: Order, ...key }) as Queue
  return queue(place, { codec: bytes, ...key }) as Queue
}
