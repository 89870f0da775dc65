import type { AddressParameters } from '../address/address-template.ts'
import type { Connection } from '../broker/connection.ts'
import type { Plan, Planned } from '../broker/plan.ts'
import type { Producers } from '../broker/producers.ts'
import type { Clock } from '../clock.ts'
import type { Run } from '../consumer/run.ts'
import type { AnyDestination } from '../definitions/types.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Link } from '../driver/driver.ts'
import type { Endpoint } from '../driver/endpoint.ts'
import type { Delivery, Incoming } from '../driver/receiver.ts'
import type { Outgoing } from '../driver/sender.ts'
import { answerOf } from '../answer-of.ts'
import { checkedInteger, checkedNumber } from '../checked-number.ts'
import { BrokerError } from '../errors.ts'
import { assertKnownKeys } from '../nearest.ts'
import type { ProducerEngine } from '../producer/producer-engine.ts'
import { sendRaw } from '../producer/send-raw.ts'
import { sleep } from '../sleep.ts'
import { copyOf } from './copy.ts'
import { deadLetterHeader, unpackDeadLetter } from './header.ts'
import { moveNatively } from './move-natively.ts'
import { LeftAlone } from './left-alone.ts'
import { DeadLetterReader } from './reader.ts'
import { SentBack } from './sent-back.ts'
import type { DeadLetter, DeadLetterFilter, PagesOptions, RedriveOptions } from './types.ts'

/** The dead-letter place of a source, once the broker has started. */
export interface Place {
  readonly link: Link
  readonly endpoint: Endpoint
  readonly capabilities: Capabilities
  /** Sends back to the source; `undefined` if nothing can be sent to it alone. */
  readonly back: ProducerEngine | undefined
  /** Sends to any destination of the broker. */
  readonly to: (destination: AnyDestination) => ProducerEngine
  /** Where messages of a destination go that is on the same link; `undefined` for all others. */
  readonly beside: (destination: AnyDestination) => Endpoint | undefined
  /** Name of the source. */
  readonly source: string
  /** Address of the source at its broker. */
  readonly address: string
  /** Dead letters of other sources of this program come here too. */
  readonly shared: boolean
}

/** What the dead letters of a source are found by, once the broker has started. */
export interface Whereabouts {
  readonly connection: Connection
  readonly plan: Plan
  readonly source: Planned
  readonly place: Planned
  readonly producers: Producers
  /** Throws `ERR_CONFIGURATION` for a destination that is not listed. */
  readonly find: (destination: AnyDestination) => Planned
}

function placeOf({ connection, plan, source, place, producers, find }: Whereabouts): Place {
  const { links, capabilities } = connection
  const { driver, endpoint } = place
  const address = driver.address(endpoint)
  const beside = (destination: AnyDestination): Endpoint | undefined => {
    const planned = find(destination)
    return planned.driver === driver ? planned.endpoint : undefined
  }
  return {
    link: links.get(driver) as Link,
    endpoint,
    capabilities: capabilities.get(place) as Capabilities,
    back: capabilities.get(source)?.redrive === 'none' ? undefined : producers.raw(source),
    to: (destination) => producers.raw(find(destination)),
    beside,
    source: source.label,
    address: source.driver.address(source.endpoint),
    shared: plan.all.some((other) => other !== place && other.driver === driver && driver.address(other.endpoint) === address),
  }
}

export interface OperationServices {
  readonly clock: Clock
  readonly freshId: () => string
}

const defaultPeek = 10
const sendTimeoutMs = 30_000
/** Dead letters moved together: sent in one go, then acked in one call. */
const moveBatch = 50
/** Most deliveries that are looked at and left alone; they are held until the operation ends, so that they don't come again. */
const mostHeld = 10_000
/** Dead letters asked for at once where looking does not disturb. */
const browsePage = 100
const filterKeys = ['where', 'max', 'signal'] as const

/** Operations on one dead-letter place. */
export class DeadLetterOperations {
  readonly #place: Place
  readonly #services: OperationServices

  constructor(whereabouts: Whereabouts, services: OperationServices) {
    this.#place = placeOf(whereabouts)
    this.#services = services
  }

  async peek(options: DeadLetterFilter = {}): Promise<readonly DeadLetter[]> {
    checkFilter('peek', options, filterKeys)
    const max = checkedInteger('peek: max', options.max ?? defaultPeek, 0, Infinity)
    const found: DeadLetter[] = []
    for await (const page of this.pages({ ...options, max })) found.push(...page)
    return found
  }

  async *pages(options: PagesOptions = {}): AsyncIterable<readonly DeadLetter[]> {
    const place = this.#place
    checkFilter('pages', options, [...filterKeys, 'pageSize'])
    const { source } = place
    if (place.capabilities.peek === 'none')
      throw new BrokerError('ERR_UNSUPPORTED', `${source}: on this backend nothing can be looked at without taking it. Consume deadLetters(…).queue.`, {
        destination: source,
      })
    const { pageSize = 100, ...rest } = options
    checkedInteger('pages: pageSize', pageSize, 1, 1_000)
    const found = place.capabilities.peek === 'exact' ? browsed(place, rest) : this.#taken(place, rest)
    let left = checkedInteger('pages: max', options.max ?? Infinity, 0, Infinity)
    let page: DeadLetter[] = []
    for await (const letter of found) {
      if (left-- <= 0) break
      page.push(letter)
      if (page.length < pageSize) continue
      yield page
      page = []
    }
    if (page.length > 0) yield page
  }

  async redrive(options: RedriveOptions = {}): Promise<{ readonly moved: number; readonly skipped: number }> {
    const place = this.#place
    const { source } = place
    checkFilter('redrive', options, [...filterKeys, 'ratePerSecond', 'onProgress', 'to', 'native'])
    if (options.native !== undefined) return moveNatively(place, options)
    const back = options.to ? place.to(options.to) : place.back
    if (!back)
      throw new BrokerError(
        'ERR_UNSUPPORTED',
        `${source}: on this backend nothing can be sent to one subscription alone. Consume deadLetters(…).queue and repair there, or redrive with to: … into a queue, or the whole topic or stream.`,
        { destination: source },
      )
    const rate = checkedNumber('redrive: ratePerSecond', options.ratePerSecond ?? Infinity, 0.001, Infinity)
    const pauseMs = 1_000 / rate
    const sentBack = new SentBack(this.#services.clock.now())
    const move = async (deliveries: readonly Delivery[], reader: DeadLetterReader): Promise<void> => {
      const answers = await Promise.all(deliveries.map(({ incoming }) => sendRaw(back, this.#again(incoming), sendTimeoutMs)))
      const sent = deliveries.filter((_, index) => answers[index]?.ok)
      for (const { incoming } of sent) sentBack.add(incoming)
      await reader.ack(sent, options.signal)
      const failed = answers.find((answer) => !answer.ok)
      if (failed && !failed.ok) throw failed.error
      if (pauseMs > 0) await sleep(this.#services.clock, pauseMs * deliveries.length, options.signal)
    }
    const hasFailedAgain = (incoming: Incoming): boolean => sentBack.hasFailedAgain(incoming)
    const { done, skipped } = await this.#each(place, options, move, Math.min(moveBatch, Math.ceil(rate / 10)), hasFailedAgain, options.onProgress)
    return { moved: done, skipped }
  }

  async discard(options: DeadLetterFilter = {}): Promise<{ readonly discarded: number; readonly skipped: number }> {
    const place = this.#place
    checkFilter('discard', options, filterKeys)
    const { done, skipped } = await this.#each(place, options, (deliveries, reader) => reader.ack(deliveries, options.signal), moveBatch)
    return { discarded: done, skipped }
  }

  async #each(
    place: Place,
    options: DeadLetterFilter,
    act: (deliveries: readonly Delivery[], reader: DeadLetterReader) => Promise<void>,
    batchSize: number,
    hasFailedAgain: (incoming: Incoming) => boolean = () => false,
    onProgress?: RedriveOptions['onProgress'],
  ): Promise<{ done: number; skipped: number }> {
    const max = checkedInteger('max', options.max ?? Infinity, 0, Infinity)
    await using reader = new DeadLetterReader(place.link, place.endpoint, place.capabilities, this.#services.clock, holding(place, options))
    await reader.start()
    // What is behind the first of a key comes when they are gone.
    const keepsBack = place.capabilities.keyHold === 'broker'
    const left = new LeftAlone()
    let failedAgain = false
    let done = 0
    let batch: Delivery[] = []
    const flush = async (): Promise<void> => {
      // What was lost meanwhile comes again.
      const held = batch.filter((delivery) => reader.holds(delivery))
      batch = []
      if (held.length === 0) return
      await act(held, reader)
      done += held.length
      onProgress?.({ moved: done, skipped: left.count })
    }
    while (done + batch.length < max && !left.cameRound) {
      const delivery = await reader.next(options.signal)
      if (!delivery) {
        await flush()
        if (reader.full && !failedAgain) throw tooMany(place, reader, `${done} were dealt with`)
        break
      }
      const isNew = hasFailedAgain(delivery.incoming)
      failedAgain ||= isNew
      if (isNew || !wanted(place, options, delivery.incoming)) left.add(delivery)
      else {
        left.interrupt()
        batch.push(delivery)
      }
      if (batch.length >= batchSize || (keepsBack && reader.empty) || reader.full) await flush()
    }
    await flush()
    return { done, skipped: left.count }
  }

  /** What was looked at stays with the reader until the end, so that it does not come twice. */
  async *#taken(place: Place, options: DeadLetterFilter): AsyncIterable<DeadLetter> {
    // No more than is asked for: what is taken is disturbed.
    const most = Math.max(holding(place, options), Math.min(options.max ?? mostHeld, mostHeld))
    await using reader = new DeadLetterReader(place.link, place.endpoint, place.capabilities, this.#services.clock, most)
    await reader.start()
    for (;;) {
      const delivery = await reader.next(options.signal)
      if (!delivery && reader.full) throw tooMany(place, reader, 'those before have been given out')
      if (!delivery) return
      if (!reader.isRepeat(delivery) && wanted(place, options, delivery.incoming)) yield asDeadLetter(delivery.incoming)
    }
  }

  #again(incoming: Incoming): Outgoing {
    const { [deadLetterHeader]: packed, ...headers } = incoming.headers
    return { ...copyOf(incoming, headers, this.#services), parameters: parametersIn(incoming, packed) }
  }
}

/** What is left alone is held, so that it does not come again, and that has a limit. */
function tooMany({ source }: Place, { held }: DeadLetterReader, progress: string): BrokerError {
  const text = `${source}: ${held} dead letters were left alone, as many, or as much, as can be held, and no more can be looked at in one go; ${progress}. Ask for fewer with max, redrive or discard some of those, or consume deadLetters(…).queue.`
  return new BrokerError('ERR_UNSUPPORTED', text, { destination: source })
}

async function* browsed(place: Place, options: DeadLetterFilter): AsyncIterable<DeadLetter> {
  const signal = options.signal ?? new AbortController().signal
  let cursor: string | undefined
  do {
    const page = await place.link.browse?.(place.endpoint, { limit: browsePage, ...(cursor === undefined ? {} : { cursor }) }, signal)
    for (const incoming of page?.messages ?? []) if (wanted(place, options, incoming)) yield asDeadLetter(incoming)
    cursor = page?.cursor
  } while (cursor !== undefined)
}

function wanted(place: Place, { where }: DeadLetterFilter, incoming: Incoming): boolean {
  const deadLetter = asDeadLetter(incoming)
  return isOf(place, deadLetter.info?.source, incoming.deadLetteredFrom) && (!where || answerOf('where', where(deadLetter)))
}

/** Sources may share a place, also with other programs: what names another source, or none where there are several, is not ours. */
function isOf({ source, address, shared }: Place, named: string | undefined, from: string | undefined): boolean {
  if (from !== undefined) return from === address
  return named === undefined ? !shared : named === source
}

function holding({ shared }: Place, { where }: DeadLetterFilter): number {
  return where || shared ? mostHeld : 0
}

/** A mistyped filter would act on all dead letters. */
function checkFilter(what: string, options: DeadLetterFilter, keys: readonly string[]): void {
  assertKnownKeys(what, options, keys)
  if (options.where !== undefined && typeof options.where !== 'function') throw new TypeError(`${what}: where must be a function, not ${typeof options.where}`)
}

/** A handler of dead letters sees the parameters of the address that they came from. */
export function withParameters<T>(process: (run: Run) => T): (run: Run) => T {
  return (run) => {
    const { incoming } = run
    run.incoming = { ...incoming, parameters: parametersIn(incoming, incoming.headers[deadLetterHeader]) }
    return process(run)
  }
}

/** Where the broker itself has put it here, it may have them as they were; else they are in the header. */
function parametersIn({ parameters }: Incoming, packed: string | undefined): AddressParameters | undefined {
  return parameters ?? unpackDeadLetter(packed)?.parameters
}

function asDeadLetter(incoming: Incoming): DeadLetter {
  const { [deadLetterHeader]: packed, ...headers } = incoming.headers
  const { id, body, type, contentType, key, timestamp, deadLetteredFrom } = incoming
  // What the broker has put here may have been a dead letter before, and says why that was.
  const info = deadLetteredFrom === undefined ? unpackDeadLetter(packed) : undefined
  return { id, body, headers, parameters: parametersIn(incoming, packed), type, contentType, orderingKey: key, timestamp, info }
}
