import { createBroker, queue, text } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import { busbarSubject, type BusbarParts } from './busbar.ts'
import { sqsBodies, type SqsSubject, type SqsWork } from './sqs-subject.ts'
import { variantsOf } from './subject.ts'

export const busbarSqs: SqsSubject = busbarSubject<SqsWork>(connect)

function connect(work: SqsWork): BusbarParts {
  const { access, place, hotKey } = work
  const { endpoint, region, credentials } = access
  const destination = queue<string>(place, { codec: text, ...(hotKey === undefined ? {} : { orderingKey: () => 'hot' }) })
  const broker = createBroker({ driver: sqs({ endpoint, region, credentials }), destinations: [destination], routes: { [place]: { deadLetter: 'drop' } } })
  return { broker, destination, source: destination, bodies: () => sqsBodies(variantsOf(work)) }
}
