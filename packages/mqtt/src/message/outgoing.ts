import { envelopeHead, type BrokerError, type Outgoing } from '@busbar/core/driver'
import { mqttError } from '../errors.ts'
import { isShort } from '../names.ts'
import type { Filling } from '../filling.ts'
import type { Publication, PublishProperties } from './packet.ts'
import { propertiesBytes, propertiesFor } from './properties.ts'

/** How messages of one destination are written. */
export interface Form {
  readonly topic: string
  /** Present where `topic` is an address template: each message has a topic of its own. */
  readonly filling?: Filling | undefined
  readonly protocolVersion: 5 | 4
  readonly envelope: boolean
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

/** Length of the topic, packet identifier, and the length of the properties at its longest. */
const variableHeaderBytes = 2 + 2 + 4

/** Throws `ERR_INVALID` for what MQTT cannot carry. */
export function publicationOf(message: Outgoing, form: Form): Publication {
  const { qos, retain } = form
  const topic = topicOf(message, form)
  if (form.protocolVersion === 5) {
    const properties = propertiesFor(message)
    checkLengths(message, properties)
    return { topic, payload: payloadOf(message), qos, retain, properties }
  }
  if (!form.envelope) {
    checkBare(message)
    return { topic, payload: payloadOf(message), qos, retain, properties: undefined }
  }
  const body = payloadOf(message)
  const payload = Buffer.concat([envelopeHead(message), typeof body === 'string' ? Buffer.from(body) : body])
  return { topic, payload, qos, retain, properties: undefined }
}

/** At least the bytes of a PUBLISH packet without its fixed header. */
export function sizeOf(message: Outgoing, { topic: name, filling, protocolVersion, envelope }: Form): number {
  const topic = filling?.template.filled(message.parameters) ?? name
  const around = protocolVersion === 5 ? propertiesBytes(message) : envelope ? envelopeHead(message).length : 0
  return variableHeaderBytes + Buffer.byteLength(topic) + around + message.bodyBytes
}

/** Throws `ERR_INVALID` for parameters that make no topic that can be sent to. */
function topicOf({ parameters = {}, id }: Outgoing, { topic, filling }: Form): string {
  if (filling === undefined) return topic
  const filled = filling.template.filled(parameters)
  if (filled === undefined)
    throw invalid(id, `its parameters do not fill the address ${topic}: one is missing, or holds /, +, #, NUL or half of a surrogate pair`)
  const problem = filling.problemOf(filled, parameters)
  if (problem !== undefined) throw invalid(id, problem)
  return filled
}

/** Text stays text, which the client library writes as UTF-8; bytes are not copied. */
function payloadOf({ body }: Outgoing): Buffer | string {
  if (typeof body === 'string') return body
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

function checkLengths({ id }: Outgoing, { userProperties }: PublishProperties): void {
  for (const [name, value] of userProperties) {
    if (!isShort(name) || !isShort(value))
      throw invalid(id, 'names and values of headers have up to 65,535 bytes of UTF-8, and so have together, as JSON, those with control characters')
  }
}

/** Without an envelope MQTT 3.1.1 carries the body alone. */
function checkBare({ headers, type, replyTo, correlationId, attempt, id }: Outgoing): void {
  for (const name in headers) throw invalid(id, `MQTT 3.1.1 carries no headers, such as ${name.slice(0, 40)}, without envelope: true in the route's options`)
  if (type !== undefined) throw invalid(id, "MQTT 3.1.1 carries no type without envelope: true in the route's options")
  if (replyTo !== undefined || correlationId !== undefined)
    throw invalid(id, "MQTT 3.1.1 carries no reply address without envelope: true in the route's options")
  if (attempt > 0) throw invalid(id, "MQTT 3.1.1 carries no count of attempts without envelope: true in the route's options")
}

function invalid(id: string, why: string): BrokerError {
  const messageId = id.slice(0, 128)
  return mqttError('ERR_INVALID', `Message ${messageId}: ${why}.`, { messageId })
}
