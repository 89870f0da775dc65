import type { Services } from '@busbar/core/driver'
import type { MqttClient } from 'mqtt'
import type { Publication } from '../message/packet.ts'

/** What the driver publishes for itself, now and then. It counts for the broker's Receive Maximum as all else does, and waits while there is no room. */
export class OwnMessages {
  readonly #client: MqttClient
  readonly #meter: Services['meter']
  #unanswered = 0
  #waiting: (() => void)[] = []
  #hasRoom: () => boolean = () => true
  #onAnswer: () => void = () => undefined

  constructor(client: MqttClient, meter: Services['meter']) {
    this.#client = client
    this.#meter = meter
  }

  get unanswered(): number {
    return this.#unanswered
  }

  get waiting(): boolean {
    return this.#waiting.length > 0
  }

  /** For whoever else publishes here: `onAnswer` is called whenever {@link OwnMessages.unanswered} has become less. */
  share(hasRoom: () => boolean, onAnswer: () => void): void {
    this.#hasRoom = hasRoom
    this.#onAnswer = onAnswer
  }

  publish(publication: Omit<Publication, 'properties'>, answered: (error: unknown) => void): void {
    const go = (): void => this.#publish(publication, answered)
    if (publication.qos === 0 || this.#hasRoom()) go()
    else this.#waiting.push(go)
  }

  /** What waited, and has room now. */
  publishWaiting(): void {
    while (this.waiting && this.#hasRoom()) this.#waiting.shift()?.()
  }

  #publish({ topic, payload, qos, retain }: Omit<Publication, 'properties'>, answered: (error: unknown) => void): void {
    this.#meter('publish', 1)
    this.#unanswered++
    this.#client.publish(topic, payload, { qos, retain }, (error) => {
      this.#unanswered--
      answered(error)
      this.#onAnswer()
    })
  }
}
