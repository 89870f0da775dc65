import type {
  Capabilities,
  Delivery,
  Driver,
  Endpoint,
  Incoming,
  Intake,
  Link,
  Outcome,
  Outgoing,
  Receiver,
  Refusal,
  Sender,
  SendResult,
  Services,
  SettleResult,
  Window,
} from '@busbar/core/driver'

/** One sender of the broken driver. */
export interface SenderSite {
  readonly endpoint: Endpoint
  readonly services: Services
  readonly sender: Sender
  /** Number of its link among those of the driver, from 0. */
  readonly linkNumber: number
}

/** One receiver of the broken driver, with the sound one below it. */
export interface ReceiverSite {
  readonly endpoint: Endpoint
  readonly services: Services
  readonly receiver: Receiver
  readonly intake: Intake
  readonly window: Window
  readonly link: Link
  /** Delivered and not settled yet, in order of arrival. */
  readonly unsettled: Set<Delivery>
}

/** What is broken. Each hook gets the sound behaviour as `next`; what is left out is sound. */
export interface Alterations {
  capabilities?(claimed: Capabilities | Refusal, endpoint: Endpoint): Capabilities | Refusal
  address?(endpoint: Endpoint, next: (endpoint: Endpoint) => string): string
  connect?(next: (signal: AbortSignal) => Promise<Link>, signal: AbortSignal): Promise<Link>
  inspect?(next: () => Promise<Capabilities>, endpoint: Endpoint): Promise<Capabilities>
  /** Members of the link to replace. */
  link?(link: Link): Partial<Link>
  /** Endpoints as the sound driver is told of them. */
  endpoint?(endpoint: Endpoint): Endpoint
  send?(
    batch: readonly Outgoing[],
    next: (batch: readonly Outgoing[], signal?: AbortSignal) => Promise<readonly SendResult[]>,
    site: SenderSite,
    signal: AbortSignal,
    stored: Parameters<Sender['send']>[2],
  ): Promise<readonly SendResult[]>
  /** Overrides what `writable` says. */
  readonly sender?: { readonly writable: boolean }
  sizeOf?(message: Outgoing, next: (message: Outgoing) => number): number
  window?(window: Window): Window
  arrive?(deliveries: readonly Delivery[], next: (deliveries: readonly Delivery[]) => void, site: ReceiverSite): void
  lost?(next: () => void, site: ReceiverSite): void
  settle?(
    outcomes: readonly Outcome[],
    next: (outcomes: readonly Outcome[]) => Promise<readonly SettleResult[]>,
    site: ReceiverSite,
  ): Promise<readonly SettleResult[]>
  extend?(
    deliveries: readonly Delivery[],
    ms: number,
    next: (deliveries: readonly Delivery[], ms: number) => Promise<readonly SettleResult[]>,
    site: ReceiverSite,
  ): Promise<readonly SettleResult[]>
  /** Receivers have no `extend`. */
  readonly noExtend?: true
  /** Members of the receiver to replace. */
  receiver?(site: ReceiverSite): Partial<Pick<Receiver, 'start' | 'resize' | 'pause' | 'resume' | 'handBack' | 'seek'>>
}

/** `driver` with `alterations`; everything else is passed on unchanged. */
export function alter(driver: Driver, alterations: Alterations): Driver {
  let links = 0
  return {
    name: driver.name,
    capabilities: (endpoint) => (alterations.capabilities ? alterations.capabilities(driver.capabilities(endpoint), endpoint) : driver.capabilities(endpoint)),
    address: (endpoint) => (alterations.address ? alterations.address(endpoint, (other) => driver.address(other)) : driver.address(endpoint)),
    connect: async (services, signal) => {
      const next = (given: AbortSignal): Promise<Link> => driver.connect(services, given)
      const link = await (alterations.connect ? alterations.connect(next, signal) : next(signal))
      return alterLink(link, alterations, services, links++)
    },
  }
}

/** A delivery that looks different and still is the same one to the driver below. */
export function disguise(delivery: Delivery, changes: Partial<Pick<Delivery, 'incoming' | 'sameAs' | 'brokerAttempts' | 'leaseUntil'>>): Delivery {
  const disguised: Delivery = {
    scope: delivery.scope,
    incoming: 'incoming' in changes && changes.incoming !== undefined ? changes.incoming : delivery.incoming,
    sameAs: 'sameAs' in changes ? changes.sameAs : delivery.sameAs,
    brokerAttempts: 'brokerAttempts' in changes ? changes.brokerAttempts : delivery.brokerAttempts,
    get leaseUntil() {
      return 'leaseUntil' in changes ? changes.leaseUntil : delivery.leaseUntil
    },
    set leaseUntil(until) {
      delivery.leaseUntil = until
    },
  }
  undisguised.set(disguised, original(delivery))
  return disguised
}

export function withIncoming(delivery: Delivery, changes: Partial<Incoming>): Delivery {
  const { id, body, bodyBytes, headers, parameters, type, contentType, timestamp, key, attempt, correlationId, replyTo, position, native } = delivery.incoming
  return disguise(delivery, {
    incoming: { id, body, bodyBytes, headers, parameters, type, contentType, timestamp, key, attempt, correlationId, replyTo, position, native, ...changes },
  })
}

const undisguised = new WeakMap<Delivery, Delivery>()

export function original(delivery: Delivery): Delivery {
  return undisguised.get(delivery) ?? delivery
}

function alterLink(link: Link, alterations: Alterations, services: Services, linkNumber: number): Link {
  const seen = (endpoint: Endpoint): Endpoint => (alterations.endpoint ? alterations.endpoint(endpoint) : endpoint)
  const { receiver, topology } = link
  const stats = link.stats?.bind(link)
  const browse = link.browse?.bind(link)
  const move = link.move?.bind(link)
  const replaced = alterations.link?.(link) ?? {}
  return {
    native: link.native,
    inspect: (endpoint, signal) =>
      alterations.inspect ? alterations.inspect(() => link.inspect(seen(endpoint), signal), endpoint) : link.inspect(seen(endpoint), signal),
    sender: (endpoint) => alterSender(link.sender(seen(endpoint)), alterations, { endpoint, services, linkNumber }),
    receiver:
      receiver === false ? false : (endpoint, intake, window) => alterReceiver({ endpoint, seen: seen(endpoint), intake, window, link, services }, alterations),
    ...(link.replies === undefined ? {} : { replies: link.replies }),
    ...(topology === undefined
      ? {}
      : {
          topology: {
            plan: (endpoints, signal) => topology.plan(endpoints.map(seen), signal),
            apply: (endpoints, changes, signal) => topology.apply(endpoints.map(seen), changes, signal),
          },
        }),
    ...(stats === undefined ? {} : { stats: (endpoint, signal) => stats(seen(endpoint), signal) }),
    ...(browse === undefined ? {} : { browse: (endpoint, options, signal) => browse(seen(endpoint), options, signal) }),
    ...(move === undefined ? {} : { move: (from, to, options) => move(seen(from), seen(to), options) }),
    health: () => link.health(),
    close: () => link.close(),
    ...replaced,
  }
}

function alterSender(sender: Sender, alterations: Alterations, place: Omit<SenderSite, 'sender'>): Sender {
  const site: SenderSite = { ...place, sender }
  return {
    send: (batch, signal, stored) => {
      const next = (part: readonly Outgoing[], other: AbortSignal = signal): Promise<readonly SendResult[]> =>
        part.length === 0 ? Promise.resolve([]) : sender.send(part, other)
      return alterations.send ? alterations.send(batch, next, site, signal, stored) : next(batch)
    },
    sizeOf: (message) => (alterations.sizeOf ? alterations.sizeOf(message, (other) => sender.sizeOf(other)) : sender.sizeOf(message)),
    get writable() {
      return alterations.sender?.writable ?? sender.writable
    },
    get onWritable() {
      return sender.onWritable
    },
    set onWritable(wake) {
      sender.onWritable = wake
    },
    close: () => sender.close(),
  }
}

interface ReceiverPlace {
  readonly endpoint: Endpoint
  readonly seen: Endpoint
  readonly intake: Intake
  readonly window: Window
  readonly link: Link
  readonly services: Services
}

function alterReceiver(place: ReceiverPlace, alterations: Alterations): Receiver {
  const { endpoint, intake, link, services } = place
  const unsettled = new Set<Delivery>()
  const window = alterations.window?.(place.window) ?? place.window
  const pass = (deliveries: readonly Delivery[]): void => {
    for (const delivery of deliveries) unsettled.add(original(delivery))
    if (deliveries.length > 0) intake.deliver(deliveries)
  }
  const below: Intake = {
    deliver: (deliveries) => (alterations.arrive ? alterations.arrive(deliveries, pass, site) : pass(deliveries)),
    lost: (scope, reason) => {
      for (const delivery of unsettled) if (delivery.scope === scope) unsettled.delete(delivery)
      const next = (): void => intake.lost(scope, reason)
      if (alterations.lost) alterations.lost(next, site)
      else next()
    },
    revoke: (scope, deadlineMs) => intake.revoke(scope, deadlineMs),
    failed: (error, fatal) => intake.failed(error, fatal),
    recovered: () => intake.recovered(),
  }
  if (link.receiver === false) throw new TypeError('the link has no receivers')
  const receiver = link.receiver(place.seen, below, window)
  const site: ReceiverSite = { endpoint, services, receiver, intake, window: place.window, link, unsettled }
  const settle = (outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> => {
    for (const outcome of outcomes) unsettled.delete(original(outcome.delivery))
    return outcomes.length === 0 ? Promise.resolve([]) : receiver.settle(outcomes.map((outcome) => ({ ...outcome, delivery: original(outcome.delivery) })))
  }
  const extendBelow = receiver.extend?.bind(receiver)
  const seek = receiver.seek?.bind(receiver)
  const extend = (deliveries: readonly Delivery[], ms: number): Promise<readonly SettleResult[]> =>
    extendBelow === undefined ? Promise.resolve([]) : extendBelow(deliveries.map(original), ms)
  return {
    start: () => receiver.start(),
    settle: (outcomes) => (alterations.settle ? alterations.settle(outcomes, settle, site) : settle(outcomes)),
    ...(extendBelow === undefined || alterations.noExtend === true
      ? {}
      : { extend: (deliveries, ms) => (alterations.extend ? alterations.extend(deliveries, ms, extend, site) : extend(deliveries, ms)) }),
    resize: (size) => receiver.resize(alterations.window?.(size) ?? size),
    pause: () => receiver.pause(),
    resume: () => receiver.resume(),
    handBack: () => receiver.handBack(),
    ...(seek === undefined ? {} : { seek: (position) => seek(position) }),
    ...alterations.receiver?.(site),
  }
}
