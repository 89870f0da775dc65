import type { Incoming, Outgoing, Replies, SendResult } from '@busbar/core/driver'
import type { Control } from './connection/control.ts'
import { mqttError } from './errors.ts'
import { incomingOf } from './message/incoming.ts'
import { repliesTopic, replyProblem } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import type { Publisher } from './sending/publisher.ts'
import { MqttSender } from './sending/sender.ts'

const never = new AbortController().signal

/** A topic of this link for replies. It stays the same over reconnects; replies that come in between are lost, as their requests time out. */
export class MqttReplies implements Replies {
  readonly #control: Control
  readonly #options: ResolvedOptions
  readonly #publisher: Publisher
  #leave: () => Promise<void> = async () => undefined

  constructor(control: Control, options: ResolvedOptions, publisher: Publisher) {
    this.#control = control
    this.#options = options
    this.#publisher = publisher
  }

  async open(deliver: (reply: Incoming) => void): Promise<string> {
    const address = `${repliesTopic(this.#options.notesTopic)}${this.#control.instance}`
    this.#leave = await this.#control.subscribe(address, (packet) => deliver(incomingOf(packet, this.#options.protocolVersion === 4)))
    return address
  }

  async send(address: string, reply: Outgoing): Promise<SendResult> {
    const problem = replyProblem(address, this.#options)
    if (problem !== undefined) return { ok: false, error: mqttError('ERR_INVALID', `Nothing can be sent to the reply address: ${problem}.`), stored: 'no' }
    const { protocolVersion } = this.#options
    const sender = new MqttSender({ topic: address, protocolVersion, envelope: protocolVersion === 4, qos: 1, retain: false }, 'refused', this.#publisher)
    const [result] = await sender.send([reply], never)
    await sender.close()
    return result ?? { ok: false, error: mqttError('ERR_CLOSED', 'The reply was not sent.'), stored: 'no' }
  }

  async close(): Promise<void> {
    await this.#leave()
  }
}
