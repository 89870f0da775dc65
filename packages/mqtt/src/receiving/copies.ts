import { envelopeHead, metadataHeader, packMetadata, type SendResult, type Services } from '@busbar/core/driver'
import { encodePublish } from '../message/encode.ts'
import { metadataOf, retainedHeader } from '../message/incoming.ts'
import type { Form } from '../message/outgoing.ts'
import { plainJson } from '../message/packed-headers.ts'
import type { Publication, PublishProperties, ReceivedPacket, UserProperty } from '../message/packet.ts'
import type { Publisher } from '../sending/publisher.ts'
import type { MqttDelivery } from './delivery.ts'

/** How copies are written: to the queue that the messages came from, with 3.1.1 in an envelope. */
export type CopyForm = Pick<Form, 'topic' | 'qos' | 'protocolVersion'>

/** Copies of received messages on their way back to their queue. */
export class Copies {
  readonly #form: CopyForm
  readonly #publisher: Publisher
  readonly #services: Services
  readonly #onUnmatched: () => void
  /** Copies are not given up while the link lives. */
  readonly #signal: AbortSignal = new AbortController().signal

  constructor(form: CopyForm, publisher: Publisher, services: Services, onUnmatched: () => void) {
    this.#form = form
    this.#publisher = publisher
    this.#services = services
    this.#onUnmatched = onUnmatched
  }

  /** Resolves when the broker has confirmed the copy, or when that has failed. `attempt`: handler starts so far. */
  send(delivery: MqttDelivery, attempt: number): Promise<SendResult> {
    const { clock } = this.#services
    const { protocolVersion, topic } = this.#form
    const write = (): Publication => copyOf(delivery, attempt, clock.monotonic() - (delivery.receivedAt ?? clock.monotonic()), this.#form)
    return new Promise((resolve) => {
      this.#publisher.add([
        {
          write,
          size: () => encodePublish(write(), 1, protocolVersion).reduce((sum, { length }) => sum + length, 0),
          unmatched: 'retried',
          what: `topic ${topic}`,
          signal: this.#signal,
          settle: (result) => {
            if (!result.ok && result.error.code === 'ERR_UNROUTABLE') this.#onUnmatched()
            resolve(result)
          },
        },
      ])
    })
  }
}

/** The same message once more, but for its count of attempts, and for its expiry, of which some has been used here. */
export function copyOf({ incoming }: Pick<MqttDelivery, 'incoming'>, attempt: number, heldMs: number, { topic, qos, protocolVersion }: CopyForm): Publication {
  const packet = incoming.native as ReceivedPacket
  if (protocolVersion === 5) return { topic, payload: packet.payload, qos, retain: false, properties: propertiesOf(packet, attempt, heldMs) }
  const payload = Buffer.concat([envelopeHead({ ...incoming, attempt }), Buffer.from(incoming.body)])
  return { topic, payload, qos, retain: false, properties: undefined }
}

function propertiesOf({ properties = {}, retain }: ReceivedPacket, attempt: number, heldMs: number): PublishProperties {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData } = properties
  const { [metadataHeader]: _, ...others } = properties.userProperties ?? {}
  const byName: Record<string, string | readonly string[]> = others
  const packed = packMetadata({ ...metadataOf(properties), attempt })
  if (packed !== undefined) byName[metadataHeader] = plainJson(packed)
  // It was old news when it came, and is so when it comes again.
  if (retain) byName[retainedHeader] = 'true'
  return {
    userProperties: Object.entries(byName).flatMap(([name, values]) => [values].flat().map((value): UserProperty => [name, value])),
    ...(payloadFormatIndicator !== undefined && { payloadFormatIndicator }),
    ...(messageExpiryInterval !== undefined && { messageExpiryInterval: leftOf(messageExpiryInterval, heldMs) }),
    ...(contentType !== undefined && { contentType }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData }),
  }
}

/** In whole seconds. Some brokers take 0 for none: a message that has expired while its handler ran has a last second. */
function leftOf(seconds: number, heldMs: number): number {
  return Math.max(1, seconds - Math.floor(heldMs / 1_000))
}
