import { createHash } from 'node:crypto'
import { seededRandom, World } from '@busbar/memory/engine'
import type { WireLimits } from './limits.ts'
import type { WireClock } from './wire-clock.ts'

export const accountId = '000000000000'

/** What all services of one endpoint share: time, chance, ids and limits. */
export class Account {
  readonly clock: WireClock
  readonly world: World
  readonly limits: WireLimits
  /** Standard queues: the next message is chosen from so many at the front. */
  readonly disorder: number
  /** Where the endpoint is reached, such as `http://127.0.0.1:4100`; known once it listens. */
  endpoint = ''
  readonly #seed: number
  readonly #startedAt: number

  constructor(clock: WireClock, seed: number, disorder: number, limits: WireLimits) {
    this.clock = clock
    this.world = new World(clock, seededRandom(seed), (name) => [name])
    this.limits = limits
    this.disorder = disorder
    this.#seed = seed
    this.#startedAt = clock.now() - clock.monotonic()
  }

  /** Milliseconds since the epoch of an instant on the monotonic clock. */
  epochMs(monotonicMs: number): number {
    return Math.round(this.#startedAt + monotonicMs)
  }

  /** A UUID, the same for the same `kind` and `number`. */
  uuid(kind: string, number: number): string {
    const hex = createHash('md5').update(`${kind} ${this.#seed} ${number}`).digest('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join('-')
  }

  messageId(id: number): string {
    return this.uuid('message', id)
  }
}

export function arnOf(service: 'sqs' | 'sns', region: string, name: string): string {
  return `arn:aws:${service}:${region}:${accountId}:${name}`
}

/** The last part of an ARN. */
export function nameInArn(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1)
}
