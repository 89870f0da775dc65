import { ReceiveMessageCommand, SQSClient, type Message, type ReceiveMessageCommandInput } from '@aws-sdk/client-sqs'
import type { Clock } from '@busbar/core/driver'
import type { Calls } from './calls.ts'
import { byEndpoint, clientConfig } from './clients.ts'
import { checkReceived, hasMd5 } from './md5.ts'
import type { ResolvedOptions } from './options.ts'
import type { ShortPath } from './short-path.ts'

/** Carries the long polls of one receiver, and ends them all at once. */
export interface PollLine {
  readonly ended: boolean
  /** Rejects soon after the line has ended, or never. */
  receive(input: ReceiveMessageCommandInput, waitMs: number, doing: string): Promise<readonly Message[]>
  end(): void
}

/** On a client that is the user's: each poll has a signal. */
export class SharedPollLine implements PollLine {
  ended = false
  readonly #client: SQSClient
  readonly #calls: Calls
  readonly #open: Set<AbortController> = new Set()

  constructor(client: SQSClient, calls: Calls) {
    this.#client = client
    this.#calls = calls
  }

  async receive(input: ReceiveMessageCommandInput, waitMs: number, doing: string): Promise<readonly Message[]> {
    // One for each: listeners that come and go on one signal hold on to each other, and to what was received, until a full garbage collection.
    const ending = new AbortController()
    this.#open.add(ending)
    try {
      const command = new ReceiveMessageCommand(input)
      const context = { doing, signal: ending.signal }
      const { Messages = [] } = await this.#calls.call('ReceiveMessage', context, (abortSignal) => this.#client.send(command, { abortSignal }), waitMs)
      return Messages
    } finally {
      this.#open.delete(ending)
    }
  }

  end(): void {
    this.ended = true
    const reason = new DOMException('No more messages are received', 'AbortError')
    for (const ending of this.#open) ending.abort(reason)
  }
}

/** How soon a first poll has its socket. */
const connectedMs = 100

/** On a client of its own, whose sockets are ended: a signal for each poll would send it through all steps of the SDK, put together anew each time. */
export class OwnPollLine implements PollLine {
  ended = false
  readonly #client: SQSClient
  readonly #shortPath: ShortPath
  readonly #calls: Calls
  readonly #clock: Clock
  /** A poll has been answered: from then on each has its socket as soon as it is signed. */
  #connected = false

  /** `main`: region and credentials are found once for both. */
  constructor(main: SQSClient, options: ResolvedOptions, calls: Calls, clock: Clock) {
    const { region, credentials } = main.config
    this.#client = new SQSClient({ ...clientConfig(options, Infinity, options.waitTimeMs), ...byEndpoint, region, credentials })
    this.#calls = calls
    this.#clock = clock
    // One that was still waiting for credentials must not get a socket when the others have lost theirs: what it took at the service would be hidden for a lease.
    this.#shortPath = calls.shortPath(this.#client, { allowPlaintext: options.allowPlaintext, allowed: hasMd5(), isEnded: () => this.ended })
  }

  async receive(input: ReceiveMessageCommandInput, waitMs: number, doing: string): Promise<readonly Message[]> {
    const command = new ReceiveMessageCommand(input)
    const { Messages = [] } = await this.#calls.quickCall(
      'ReceiveMessage',
      { doing, isEnded: () => this.ended },
      input,
      () => this.#shortPath.send(command, checkReceived),
      waitMs,
    )
    this.#connected = true
    return Messages
  }

  end(): void {
    this.ended = true
    this.#client.destroy()
    if (!this.#connected) this.#clock.timer(this.#clock.monotonic() + connectedMs, () => this.#client.destroy())
  }
}
