/** What a process does: see `test/bench/actions`. */
export type Action = 'prepare' | 'fill' | 'send one by one' | 'send at load' | 'consume' | 'flow' | 'latency' | 'drain' | 'hold'

/** What a process is told to do. An adapter's own work has further fields. */
export interface Work {
  readonly action: Action
  /** Of the queue, topic or stream. */
  readonly place: string
  /** Messages that are sent and not confirmed at load, at most. */
  readonly inFlight: number
  /** Handlers that run at once, and messages that are received and not settled, at most. */
  readonly concurrency: number
  /** Busbar receives as it does without options, instead of by `concurrency`. */
  readonly defaults?: boolean
  /** How long a handler takes, in milliseconds; 0: it returns. */
  readonly handlerMs: number
  /** Every so many-th message takes half a second to handle; 0: none. */
  readonly slowEvery: number
  /** All messages have one ordering key, where the client has such a thing. */
  readonly hotKey?: 'strict' | 'pipelined'
  /** Of `latency`: messages a second, whatever becomes of them. */
  readonly perSecond?: number
  readonly warmup: number
  readonly messages: number
  /** What is measured is cut into so many parts, for each of which the process waits for its turn. */
  readonly slices?: number
}

/**
 * A client of one kind of broker, used as well as it can be. A scenario is written once, in terms of these; an adapter has a file of its own for each client.
 */
export interface Subject<W extends Work = Work> {
  /** Makes what must be there before anything is sent, and the bench cannot make: a session that belongs to this client. */
  prepare?(work: W): Promise<void>
  sender?(work: W): Promise<Sender>
  /** Calls `handle` for each message; acks or deletes the message when that has ended. Resolves when it receives. */
  receive?(work: W, handle: Handle): Promise<Receiver>
  /** How long the server needs after the last message to have every ack, where nobody is told, in milliseconds. Default 0. */
  readonly settleMs?: number
}

/** Bodies are those of `bodies.ts`, taken in turn by the message's index. */
export interface Sender {
  /** Sends one message; resolves when the server has it. */
  send(index: number): Promise<unknown>
  /** Requests of several messages, where the client has those. */
  readonly batches?: Batches
  /** Sends these messages as fast as it can, with no more unconfirmed than the work says. Default: by `batches`, or by `send`. */
  sendAll?(range: Range, onSent: () => void): Promise<void>
  close(): Promise<unknown>
}

/** Messages by their indexes. */
export interface Range {
  readonly from: number
  readonly count: number
}

export interface Batches {
  /** Messages in each. */
  readonly size: number
  /** Requests that are out at once. */
  readonly atOnce: number
  /** Resolves when the server has all of them. */
  send(from: number, count: number): Promise<unknown>
}

/** A handler. What it is given is the body, or as much of it as its number: see `numberIn`. */
export type Handle = (body: string | Uint8Array) => void | Promise<void>

export interface Receiver {
  /** Rejects if it ends by itself or fails; never resolves. */
  readonly failed: Promise<never>
  /** Takes nothing new, lets running handlers end, acks what was handled, disconnects. */
  close(): Promise<unknown>
}

/** How many different bodies there are: for latency each message has a number of its own. `undefined`: as many as `bodies.ts` has by default. */
export function variantsOf({ action, warmup, messages }: Work): number | undefined {
  return action === 'latency' ? warmup + messages : undefined
}

/** For {@link Receiver.failed}, where a client tells when it has ended. */
export async function endedEarly(ended: Promise<unknown>): Promise<never> {
  await ended
  throw new Error('the consumer has ended early')
}

/** Throws where a scenario asks a client for what it does not do. */
export function senderOf<W extends Work>(subject: Subject<W>, work: W): Promise<Sender> {
  if (subject.sender === undefined) throw new TypeError('this client does not send')
  return subject.sender(work)
}

export function receiverOf<W extends Work>(subject: Subject<W>, work: W, handle: Handle): Promise<Receiver> {
  if (subject.receive === undefined) throw new TypeError('this client does not receive')
  return subject.receive(work, handle)
}
