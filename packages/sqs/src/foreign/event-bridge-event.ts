import { fieldsThroughSns } from './through-sns.ts'

/** An event as EventBridge puts it into queues. */
export interface EventBridgeEvent {
  readonly id: string
  /** `com.example.orders`, `aws.s3`. */
  readonly source: string
  /** `Object Created`. */
  readonly detailType: string
  readonly account: string
  readonly region: string
  /** Epoch milliseconds. */
  readonly time: number
  /** ARNs, often none. */
  readonly resources: readonly string[]
  /** Of any form: check it before it is used. */
  readonly detail: Readonly<Record<string, unknown>>
  /** Only of events that are replayed from an archive. */
  readonly replayName: string | undefined
}

/**
 * An event that a rule of EventBridge put into the queue as it is, without an input transformer, directly or through SNS.
 * `body`: JSON as text or UTF-8 bytes, or what it was decoded to. Who may send to the queue can forge it.
 * Throws `ERR_UNDECODABLE` for everything else.
 */
export function parseEventBridgeEvent(body: unknown): EventBridgeEvent {
  const fields = fieldsThroughSns(body, 'an event of EventBridge')
  return {
    id: fields.text('id'),
    source: fields.text('source'),
    detailType: fields.text('detail-type'),
    account: fields.text('account'),
    region: fields.text('region'),
    time: fields.instant('time'),
    resources: fields.textList('resources'),
    detail: fields.fields('detail').values,
    replayName: fields.optionalText('replay-name'),
  }
}
