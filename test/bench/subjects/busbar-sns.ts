import { createBroker, text, topic } from '@busbar/core'
import { sns } from '@busbar/sns'
import { busbarSubject, type BusbarParts } from './busbar.ts'
import { sqsBodies, type SqsSubject, type SqsWork } from './sqs-subject.ts'

export const busbarSns: SqsSubject = busbarSubject<SqsWork>(connect)

function connect({ access, accountId, place }: SqsWork): BusbarParts {
  const { endpoint, region, credentials } = access
  const destination = topic<string>(place, { codec: text })
  const broker = createBroker({ driver: sns({ endpoint, region, credentials, accountId }), destinations: [destination] })
  return { broker, destination, bodies: () => sqsBodies() }
}
