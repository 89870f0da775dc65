import type { Target } from '../engine/rows.ts'
import { aheadOf, nearRaw } from '../engine/targets.ts'
import type { Action, Work } from '../subjects/subject.ts'
import { busbar, type Adapter } from './adapter.ts'

/** A scenario, whatever the kind of broker. `test/bench/actions` has what happens in the process. */
export interface Shape {
  /** Behind the adapter's title. `verb` is what sending is called there. */
  readonly title: (verb: string) => string
  readonly work: Pick<Work, 'action'> & Partial<Work>
  /** For all clients but Busbar. */
  readonly others?: Partial<Work>
  /** Clients measure in turn, a slice each: what waits for round trips differs by less than the machine does from one second to the next. */
  readonly sliced?: true
}

/** All scenarios that adapters share. Which of them an adapter takes part in, and with how many messages, it says by {@link Entry}. */
export const shapes = {
  oneByOne: { title: (verb) => `${verb} one by one`, work: { action: 'send one by one' }, sliced: true },
  atLoad: { title: (verb) => verb, work: { action: 'send at load' } },
  consume: { title: () => 'consume', work: { action: 'consume' } },
  consumeWorking: { title: () => 'consume, 5 ms', work: { action: 'consume', handlerMs: 5 } },
  consumeSlow: { title: () => 'consume, 5 ms, one in a hundred 500 ms', work: { action: 'consume', handlerMs: 5, slowEvery: 100 } },
  latency: { title: () => 'latency at half load', work: { action: 'latency', defaults: true } },
  drain: { title: () => 'drain, 5 ms', work: { action: 'drain', handlerMs: 5 } },
  hold: { title: () => 'waiting', work: { action: 'hold' } },
  // The twin of one key with one request out is one message in flight.
  hotStrict: { title: (verb) => `${verb}, one hot key, strict`, work: { action: 'send at load', hotKey: 'strict' }, others: { inFlight: 1 }, sliced: true },
  hotPipelined: { title: (verb) => `${verb}, one hot key, pipelined`, work: { action: 'send at load', hotKey: 'pipelined' } },
} as const satisfies Readonly<Record<string, Shape>>

export interface Size {
  readonly warmup: number
  readonly messages: number
}

/** An adapter's part in a scenario. */
export interface Entry {
  readonly shape: keyof typeof shapes
  /** What sets it apart from another entry of the shape; behind the title. */
  readonly suffix?: string
  /** Of `latency`, seconds before and while it is measured. */
  readonly size: Size
  /** Of `latency`: messages a second. Default: half of what the raw client reaches. */
  readonly perSecond?: number
  /** Of a client that is too slow for that. */
  readonly sizes?: Readonly<Record<string, Size>>
  /** Clients that Busbar must be ahead of. */
  readonly peers?: readonly string[]
  /** Clients that are reported and compared with nothing. */
  readonly reported?: readonly string[]
  /** In place of Busbar, the raw client, the peers and what is reported. */
  readonly clients?: readonly string[]
  /** Of Busbar. Default: near raw, and ahead of peers. */
  readonly targets?: readonly Target[]
  /** For all clients. */
  readonly work?: Readonly<Record<string, unknown>>
  /** Only in the first round: what takes long and varies little. */
  readonly once?: true
}

export function nameOf({ title, verb }: Pick<Adapter, 'title' | 'verb'>, { shape, suffix = '', size }: Entry): string {
  const what = shape === 'hold' ? `${size.messages.toLocaleString('en')} waiting` : shapes[shape].title(verb)
  return `${title}, ${what}${suffix}`
}

/** In the order of the table. */
export function clientsOf({ raw }: Pick<Adapter, 'raw'>, { clients, peers = [], reported = [] }: Entry): readonly string[] {
  return clients ?? [busbar, raw, ...peers, ...reported]
}

/** Busbar and the raw client alone, and what targets of the entry's own may name. */
export function withoutPeers(entry: Entry): Entry {
  return { ...entry, peers: [], ...(entry.targets === undefined && { reported: [] }) }
}

export function targetsOf({ peers = [], targets }: Entry): readonly Target[] {
  if (targets !== undefined) return targets
  return peers.length === 0 ? [nearRaw] : [nearRaw, aheadOf(peers)]
}

/** What must be there before the client begins. */
export function backlogOf(action: Action, { warmup, messages }: Size): number {
  return action === 'consume' || action === 'drain' || action === 'hold' ? warmup + messages : 0
}

/** How many the server must hold afterwards, or at least: a drain may give back what another would have acked. */
export function leftBy(action: Action, { warmup, messages }: Size, handled: number): { readonly exactly: number } | { readonly atLeast: number } {
  const total = warmup + messages
  if (action === 'send one by one' || action === 'send at load' || action === 'hold') return { exactly: total }
  return action === 'drain' ? { atLeast: total - handled } : { exactly: 0 }
}
