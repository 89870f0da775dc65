import { queue, stream, topic, type AnyDefinition, type Queue, type Stream, type Subscription, type Topic } from '@busbar/core'

/** What is sent. */
export interface Job {
  readonly id: string
  readonly key: string
  /** Made from the id, so that a body that has changed on the way is noticed. */
  readonly filler: string
}

export type WorkloadKind = 'queue' | 'topic' | 'stream'

const options = { orderingKey: (job: Job) => job.key, messageId: (job: Job) => job.id }
const jobs: Queue<Job> = queue<Job>('jobs', options)
const news: Topic<Job> = topic<Job>('jobs', options)
const log: Stream<Job> = stream<Job>('jobs', options)

/** Where producers send to and where consumers receive from. */
export interface Workload {
  readonly destination: Queue<Job> | Topic<Job> | Stream<Job>
  readonly source: Queue<Job> | Subscription<Job>
  readonly definitions: readonly AnyDefinition[]
}

/** Of a topic and a stream one subscription, which gets everything. */
export function workloadOf(kind: WorkloadKind): Workload {
  if (kind === 'queue') return { destination: jobs, source: jobs, definitions: [jobs] }
  const destination = kind === 'topic' ? news : log
  const source = kind === 'topic' ? news.subscription('shop') : log.subscription('shop', { startFrom: 'earliest' })
  return { destination, source, definitions: [destination, source] }
}

export function jobOf(id: string, key: string): Job {
  return { id, key, filler: id.repeat(8) }
}
