import type { BrokerError, Services } from '@busbar/core/driver'
import { Api } from '../api.ts'
import type { Checkpoint } from '../group/checkpoint.ts'
import { streamOf, type StreamName } from '../names.ts'
import type { Page, ShardReader } from '../reading/shard-reader.ts'
import { FakeKinesis } from './fake-kinesis.ts'
import { FakeShard } from './fake-shard.ts'

/** What a reader gave so far. */
export class Reading {
  readonly fake: FakeKinesis
  readonly shard: FakeShard
  readonly pages: Page[] = []
  readonly failures: BrokerError[] = []
  readonly #ending = new AbortController()
  readonly #pages: AsyncGenerator<Page, 'ended' | 'aborted', void>
  recoveries = 0
  /** What it returned or threw. */
  end: unknown

  constructor(reader: ShardReader, from: Checkpoint, fake: FakeKinesis = new FakeKinesis(1), shard: FakeShard = new FakeShard(fake), random?: () => number) {
    this.fake = fake
    this.shard = shard
    this.#pages = reader({
      api: apiOf(fake, random),
      services: servicesOf(fake, random),
      stream,
      shard: 'shard-0',
      from,
      signal: this.#ending.signal,
      failed: (error) => void this.failures.push(error),
      recovered: () => void this.recoveries++,
    })
  }

  get texts(): string[] {
    return this.pages.flatMap(({ records }) => records.map(({ data }) => Buffer.from(data).toString()))
  }

  /** Asks for page after page from now on. */
  start(): this {
    void this.#drive()
    return this
  }

  /** Asks for pages for so long. */
  async pass(ms: number): Promise<void> {
    await this.fake.clock.advance(ms)
  }

  /** Asks for one page. */
  async one(): Promise<void> {
    try {
      const { done, value } = await this.#pages.next()
      if (done === true) this.end = value
      else this.pages.push(value)
    } catch (error) {
      this.end = error
    }
  }

  abort(): void {
    this.#ending.abort(new Error('enough'))
  }

  /** Leaves off, as a `for await` does by `break`. */
  async leave(): Promise<void> {
    await this.#pages.return('aborted')
  }

  async #drive(): Promise<void> {
    while (this.end === undefined) await this.one()
  }
}

export const stream: StreamName = streamOf('positions')

export function servicesOf(fake: FakeKinesis, random: () => number = () => 0.5): Services {
  return { clock: fake.clock, random, log: () => undefined, meter: (call) => void fake.metered.push(call) }
}

export function apiOf(fake: FakeKinesis, random?: () => number): Api {
  return new Api({ main: fake.client, subscribing: fake.client, own: false }, servicesOf(fake, random), 10_000)
}

/** Fails so many of the next calls of that name. */
export function failing(shard: FakeShard, call: string, count: number, error: () => Error): void {
  let left = count
  shard.fail = (name) => {
    if (name === call && left-- > 0) throw error()
  }
}
