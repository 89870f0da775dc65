import { bytes, createBroker, topic } from '@busbar/core'
import { mqtt } from '@busbar/mqtt'
import { buffers } from '../bodies.ts'
import { busbarSubject, type BusbarParts } from './busbar.ts'
import { sessionSeconds, type MqttSubject, type MqttWork } from './mqtt-subject.ts'
import { variantsOf } from './subject.ts'

export const busbarMqtt: MqttSubject = busbarSubject<MqttWork>(connect, { prepare })

async function prepare(work: MqttWork): Promise<void> {
  const { broker } = connect(work)
  await broker.provision({ mode: 'create' })
  await broker.drain()
}

function connect(work: MqttWork): BusbarParts {
  const { url, place, hotKey } = work
  const destination = topic(place, { codec: bytes, ...(hotKey === undefined ? {} : { orderingKey: () => 'hot' }) })
  const source = destination.subscription('readers')
  // Who only sends has no session.
  const destinations = work.action.startsWith('send ') ? [destination] : [destination, source]
  const broker = createBroker({ driver: mqtt({ url, sessionExpiryMs: sessionSeconds * 1_000 }), destinations, routes: { [place]: { deadLetter: 'drop' } } })
  return { broker, destination, source, bodies: () => buffers(variantsOf(work)) }
}
