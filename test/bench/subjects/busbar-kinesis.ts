import { createBroker, stream, systemClock, text } from '@busbar/core'
import { kinesis } from '@busbar/kinesis'
import { memoryStore } from '@busbar/memory'
import { texts } from '../bodies.ts'
import { busbarSubject, type BusbarParts } from './busbar.ts'
import { credentials, perRequest, region, requests, type KinesisSubject, type KinesisWork } from './kinesis-subject.ts'
import { variantsOf } from './subject.ts'

export const busbarKinesis: KinesisSubject = busbarSubject<KinesisWork>(connect)

/** In flight as many as raw's requests hold: without keys each batch is a request. */
const plain = { size: perRequest, atOnce: requests }
/** An aggregated record is made for a shard: four batches together fill one, and three times as many wait as are out. */
const aggregated = { size: 1_000, atOnce: 4 * requests }

function connect(work: KinesisWork): BusbarParts {
  const { endpoint, aggregate, place, hotKey, defaults = false } = work
  const destination = stream<string>(place, { codec: text, ...(hotKey === undefined ? {} : { orderingKey: () => 'hot' }) })
  const source = destination.subscription('bench', { startFrom: 'earliest' })
  // The server has no limits.
  const limits = defaults ? {} : ({ shardShare: false, readShare: false } as const)
  const broker = createBroker({
    driver: kinesis({ endpoint, region, credentials, store: memoryStore({ clock: systemClock }), ...limits }),
    destinations: [destination, source],
    routes: { [place]: { deadLetter: 'drop', options: { aggregate } } },
  })
  const batches = defaults || work.action === 'send one by one' || hotKey !== undefined ? {} : { batches: aggregate ? aggregated : plain }
  return { broker, destination, source, bodies: () => texts(variantsOf(work)), ...batches }
}
