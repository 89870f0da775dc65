import { randomUUID } from 'node:crypto'
import type { Subject, Work } from './subject.ts'

/**
 * All AMQP clients: one connection and one channel for each purpose, persistent and mandatory messages, confirms, acks after handling.
 */
export interface AmqpWork extends Work {
  readonly url: string
  /** `bytes`: 256 bytes as they are. `json`: an order of 256 bytes, encoded and validated by the sender, decoded and validated by the receiver. */
  readonly body: 'bytes' | 'json'
  /** Publishes no more than the body, without id, time and content type: nobody who handles messages at least once can, it is what those three cost. */
  readonly bodyAlone?: boolean
}

export type AmqpSubject = Subject<AmqpWork>

/** What every subject sends with a body, as Busbar does: an id of its own to tell copies by, the time and the type. A new object per message. */
export interface MessageProperties {
  readonly messageId: string
  /** Seconds. */
  readonly timestamp: number
  readonly contentType: string
}

/** The cheapest ids that are unique: 20 letters and digits, as long as Busbar's. */
export function propertiesOf({ body }: Pick<AmqpWork, 'body'>, index: number): MessageProperties {
  return {
    messageId: idPrefix + String(index).padStart(8, '0'),
    timestamp: Math.floor(Date.now() / 1_000),
    contentType: body === 'json' ? 'application/json' : 'application/octet-stream',
  }
}

const idPrefix = randomUUID().replaceAll('-', '').slice(0, 12)

/**
 * Time for the broker to take the last acks before the channel closes. Under load a quorum queue's acks wait in the broker's channel process, where there is nothing to
 * ask for them, and closing the channel drops those: the messages would come again.
 */
export const acksTakenMs = 300
