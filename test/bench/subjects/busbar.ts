import type { AnyDestination, AnySource, Broker, Queue } from '@busbar/core'
import { endedEarly, type Batches, type Subject, type Work } from './subject.ts'

/** What differs from one kind of broker to the next. */
export interface BusbarParts {
  /** Makes the bodies, any of which the destination takes. */
  readonly bodies: () => readonly unknown[]
  readonly broker: Broker
  readonly destination: AnyDestination
  /** `undefined`: nothing is consumed here. */
  readonly source?: AnySource
  /** Sends at load by `sendBatch` instead of by `send`. */
  readonly batches?: Omit<Batches, 'send'>
}

/** Busbar as its documentation shows it, on any backend: `start`, as the others connect first, `send`, and a handler that returns. */
export function busbarSubject<W extends Work>(connect: (work: W) => BusbarParts, more: Pick<Subject<W>, 'prepare' | 'settleMs'> = {}): Subject<W> {
  return {
    ...more,
    async sender(work) {
      const { broker, destination, batches, ...parts } = connect(work)
      const bodies = parts.bodies()
      await broker.start()
      const producer = broker.producer(destination as Queue, { sendOrder: work.hotKey ?? 'strict' })
      const bodyAt = (index: number): never => bodies[index % bodies.length] as never
      const send = async (from: number, count: number): Promise<void> => {
        const results = await producer.sendBatch(Array.from({ length: count }, (_, offset) => bodyAt(from + offset)))
        const failed = results.find(({ ok }) => !ok)
        if (failed?.ok === false) throw failed.error
      }
      return {
        send: (index) => producer.send(bodyAt(index)),
        ...(batches === undefined ? {} : { batches: { ...batches, send } }),
        close: () => broker.drain(),
      }
    },
    async receive(work, handle) {
      const { broker, source } = connect(work)
      if (source === undefined) throw new TypeError('nothing is consumed here')
      const { concurrency } = work
      const window = work.defaults === true ? {} : { concurrency, maxInFlight: concurrency }
      const consumer = await broker.consume(source as Queue, ({ body }) => handle(body as string | Uint8Array), window)
      return { failed: endedEarly(consumer.closed), close: () => broker.drain() }
    },
  }
}
