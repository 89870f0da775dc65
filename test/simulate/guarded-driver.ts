import type { Driver, Endpoint, Incoming, Intake, Link, Outcome, Receiver, Sender, SettleResult, Topology, Window } from '@busbar/core/driver'
import type { MemoryDriver } from '@busbar/memory'
import type { MemoryLink } from './holdings.ts'

/** What guards the calls of one process. */
export interface Guard {
  readonly alive: boolean
  /** Scopes that the broker has asked for and not got yet. */
  handingOver: number
  /** Makes the call with a step before and after it; never answers a process that has crashed. */
  call<T>(what: string, act: () => T | Promise<T>): T | Promise<T>
  opened(link: MemoryLink): void
  closing(link: MemoryLink): void
}

/** Sees what passes between a process and its broker. */
export interface Watch {
  /** What is returned is told the answer. */
  acked(incoming: Incoming): ((result: SettleResult) => void) | undefined
}

/** Answers nobody. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

/** The driver as a process that may crash has it: every call is two steps, and nothing passes once it has crashed. `prefix` goes before the names of steps. */
export function guardedDriver(driver: MemoryDriver, guard: Guard, prefix: string, watch?: Watch): Driver {
  return {
    name: driver.name,
    capabilities: (endpoint) => driver.capabilities(endpoint),
    address: (endpoint) => driver.address(endpoint),
    connect: async (services, signal) => {
      const link = await guard.call(`${prefix}connect`, async () => {
        const opened = await driver.connect(services, signal)
        if (guard.alive) guard.opened(opened)
        else await opened.close()
        return opened
      })
      return guardedLink(link, guard, prefix, watch)
    },
  }
}

function guardedLink(link: MemoryLink, guard: Guard, prefix: string, watch: Watch | undefined): Link {
  const call = <T>(what: string, act: () => Promise<T>): Promise<T> => Promise.resolve(guard.call(prefix + what, act))
  const { topology, replies } = link
  const stats = link.stats?.bind(link)
  const browse = link.browse?.bind(link)
  return {
    native: link.native,
    inspect: (endpoint) => call('inspect', () => link.inspect(endpoint)),
    sender: (endpoint) => guardedSender(link.sender(endpoint), call),
    receiver: (endpoint, intake, window) => guardedReceiver(link, guard, call, { endpoint, intake, window, watch }),
    ...(replies === undefined ? {} : { replies }),
    topology: guardedTopology(topology, call),
    ...(stats === undefined ? {} : { stats: (endpoint) => call('stats', () => stats(endpoint)) }),
    ...(browse === undefined ? {} : { browse: (endpoint, options) => call('browse', () => browse(endpoint, options)) }),
    health: () => link.health(),
    close: () =>
      call('close', () => {
        guard.closing(link)
        return link.close()
      }),
  }
}

type Call = <T>(what: string, act: () => Promise<T>) => Promise<T>

function guardedTopology(topology: Topology, call: Call): Topology {
  return {
    plan: (endpoints, signal) => call('plan', () => topology.plan(endpoints, signal)),
    apply: (endpoints, changes, signal) => call('apply', () => topology.apply(endpoints, changes, signal)),
  }
}

function guardedSender(sender: Sender, call: Call): Sender {
  return {
    send: (batch, signal) => call('send', () => sender.send(batch, signal)),
    sizeOf: (message) => sender.sizeOf(message),
    get writable() {
      return sender.writable
    },
    get onWritable() {
      return sender.onWritable
    },
    set onWritable(wake) {
      sender.onWritable = wake
    },
    close: () => call('close sender', () => sender.close()),
  }
}

interface ReceiverPlace {
  readonly endpoint: Endpoint
  readonly intake: Intake
  readonly window: Window
  readonly watch: Watch | undefined
}

function guardedReceiver(link: MemoryLink, guard: Guard, call: Call, { endpoint, intake, window, watch }: ReceiverPlace): Receiver {
  const below: Intake = {
    deliver: (deliveries) => {
      if (guard.alive) intake.deliver(deliveries)
    },
    lost: (scope, reason) => {
      if (guard.alive) intake.lost(scope, reason)
    },
    revoke: (scope, deadlineMs) => {
      if (!guard.alive) return never()
      guard.handingOver++
      return intake.revoke(scope, deadlineMs).finally(() => guard.handingOver--)
    },
    failed: (error, fatal) => {
      if (guard.alive) intake.failed(error, fatal)
    },
    recovered: () => {
      if (guard.alive) intake.recovered()
    },
  }
  const receiver: Receiver = link.receiver(endpoint, below, window)
  const extend = receiver.extend?.bind(receiver)
  return {
    start: () => call('start', () => receiver.start()),
    settle: (outcomes) => call('settle', () => settle(receiver, outcomes, watch)),
    ...(extend === undefined ? {} : { extend: (deliveries, ms) => call('extend', () => extend(deliveries, ms)) }),
    resize: (size) => {
      if (guard.alive) receiver.resize(size)
    },
    pause: () => call('pause', () => receiver.pause()),
    resume: () => call('resume', () => receiver.resume()),
    handBack: () => call('handBack', () => receiver.handBack()),
  }
}

async function settle(receiver: Receiver, outcomes: readonly Outcome[], watch: Watch | undefined): Promise<readonly SettleResult[]> {
  const listeners = outcomes.map(({ action, delivery }) => (action === 'ack' ? watch?.acked(delivery.incoming) : undefined))
  const results = await receiver.settle(outcomes)
  for (const [index, listener] of listeners.entries()) listener?.(results[index] as SettleResult)
  return results
}
