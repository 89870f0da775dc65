import type { Delivery, Endpoint, Outcome, Outgoing, SendResult, SettleResult } from '@busbar/core/driver'
import { original, type Alterations, type ReceiverSite } from './alter.ts'

/** Changes every message on its way out; `undefined` drops it in silence. */
export function editSent(edit: (message: Outgoing, index: number, batch: readonly Outgoing[], endpoint: Endpoint) => Outgoing | undefined): Alterations {
  return {
    send: async (batch, next, site) => {
      const edited = batch.map((message, index) => edit(message, index, batch, site.endpoint))
      const results = [...(await next(edited.filter((message) => message !== undefined)))]
      return edited.map((message): SendResult => (message === undefined ? { ok: true } : (results.shift() as SendResult)))
    },
  }
}

/** Changes every delivery on its way in; `undefined` acks it in silence. */
export function editArriving(edit: (delivery: Delivery, site: ReceiverSite) => Delivery | undefined): Alterations {
  return {
    arrive: (deliveries, next, site) => {
      const kept = deliveries.map((delivery) => ({ delivery, edited: edit(delivery, site) }))
      ackInSilence(
        site,
        kept.filter(({ edited }) => edited === undefined).map(({ delivery }) => delivery),
      )
      next(kept.flatMap(({ edited }) => (edited === undefined ? [] : [edited])))
    },
  }
}

/** Changes every outcome on its way out; a result in its place means that nothing is done. */
export function editOutcomes(
  edit: (outcome: Outcome, index: number, outcomes: readonly Outcome[], site: ReceiverSite) => Outcome | Exclude<SettleResult, object>,
): Alterations {
  return {
    settle: async (outcomes, next, site) => {
      const edited = outcomes.map((outcome, index) => edit(outcome, index, outcomes, site))
      const results = [...(await next(edited.filter((outcome) => typeof outcome === 'object')))]
      return edited.map((outcome) => (typeof outcome === 'object' ? (results.shift() as SettleResult) : outcome))
    },
  }
}

export function ackInSilence(site: ReceiverSite, deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) site.unsettled.delete(original(delivery))
  if (deliveries.length > 0) void site.receiver.settle(deliveries.map((delivery) => ({ delivery: original(delivery), action: 'ack' })))
}

/** Acks a delivery and sends its message again, to the end of its queue. */
export async function toTheEnd(site: ReceiverSite, deliveries: readonly Delivery[], delayMs?: number): Promise<void> {
  ackInSilence(site, deliveries)
  const sender = site.link.sender(destinationOf(site.endpoint))
  for (const { incoming } of deliveries) await sender.send([outgoingOf(incoming, site, delayMs)], new AbortController().signal)
}

export function destinationOf(endpoint: Endpoint): Endpoint {
  const { subscription: _subscription, ...destination } = endpoint
  return destination
}

export function outgoingOf(incoming: Delivery['incoming'], site: Pick<ReceiverSite, 'services'>, delayMs?: number): Outgoing {
  const { id, body, bodyBytes, headers, parameters, type, contentType, timestamp, key, attempt, correlationId, replyTo } = incoming
  const { clock } = site.services
  return {
    id: id ?? 'none',
    body,
    bodyBytes,
    headers,
    parameters,
    type,
    contentType,
    timestamp: timestamp ?? clock.now(),
    key,
    attempt,
    correlationId,
    replyTo,
    deduplicationId: undefined,
    delayMs,
    timeToLiveMs: undefined,
    priority: undefined,
  }
}

export function textOf({ incoming }: Delivery): string {
  return typeof incoming.body === 'string' ? incoming.body : new TextDecoder().decode(incoming.body)
}

export function after(site: Pick<ReceiverSite, 'services'>, ms: number, then: () => void): void {
  const { clock } = site.services
  clock.timer(clock.monotonic() + ms, then)
}
