import { queue, stream, topic, type Queue, type Stream, type Subscription, type Topic } from '@busbar/core'
import { seededRandom } from '@busbar/memory'
import type { Setting } from './plan.ts'

export interface Job {
  readonly id: string
  readonly key: string
  readonly filler: string
}

export type Destination = Queue<Job> | Topic<Job> | Stream<Job>
export type Source = Queue<Job> | Subscription<Job>

export function define(kind: Setting['kind']): { destination: Destination; source: Source } {
  const options = { orderingKey: (job: Job) => job.key, messageId: (job: Job) => job.id }
  if (kind === 'queue') {
    const jobs = queue<Job>('jobs', options)
    return { destination: jobs, source: jobs }
  }
  const jobs = kind === 'topic' ? topic<Job>('jobs', options) : stream<Job>('jobs', options)
  return { destination: jobs, source: jobs.subscription('work') }
}

const largest = 6_000
/** Hardly gets smaller. */
const noise = noiseOf(2 * largest)
const plain = 'a line of an order, and then another; '.repeat(largest / 30)

/** Something to carry: mostly next to nothing, else text that compresses well or badly. */
export function fillerOf(random: () => number, large: number): string {
  if (random() >= large) return ''
  const length = 500 + Math.floor(random() * (largest - 500))
  const from = Math.floor(random() * (largest - 1))
  return random() < 0.4 ? plain.slice(0, length) : noise.slice(from, from + length)
}

function noiseOf(length: number): string {
  const random = seededRandom(1)
  return Array.from({ length }, () => String.fromCharCode(35 + Math.floor(random() * 56))).join('')
}
