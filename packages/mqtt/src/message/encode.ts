import type { Publication, PublishProperties } from './packet.ts'

/** PUBLISH packets as bytes. The client library's own way takes more than half of all that a message costs, and a write for each: see decision 0014. */

/** Numbers of properties of MQTT 5. */
const property = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  user: 0x26,
} as const
const publishType = 0x30
const retainBit = 0x01
/** Larger bodies are not copied. */
const copiedBytes = 16_384

/** Properties are written here first, since their length goes in front of them. */
let scratch = Buffer.allocUnsafe(4_096)

/** The packet in one or two pieces. `packetId` is left out with quality 0. */
export function encodePublish({ topic, payload, qos, retain, properties }: Publication, packetId: number, protocolVersion: 5 | 4): readonly Buffer[] {
  const topicBytes = Buffer.byteLength(topic)
  const payloadBytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  const propertiesLength = protocolVersion === 5 && properties !== undefined ? writeProperties(properties) : 0
  const around = protocolVersion === 5 ? varintBytes(propertiesLength) + propertiesLength : 0
  const remaining = 2 + topicBytes + (qos === 0 ? 0 : 2) + around + payloadBytes
  const copied = payloadBytes <= copiedBytes
  const packet = Buffer.allocUnsafe(1 + varintBytes(remaining) + remaining - (copied ? 0 : payloadBytes))
  packet[0] = publishType | (qos << 1) | (retain ? retainBit : 0)
  let at = writeVarint(packet, remaining, 1)
  at = packet.writeUInt16BE(topicBytes, at)
  at += packet.write(topic, at)
  if (qos > 0) at = packet.writeUInt16BE(packetId, at)
  if (protocolVersion === 5) {
    at = writeVarint(packet, propertiesLength, at)
    at += scratch.copy(packet, at, 0, propertiesLength)
  }
  if (!copied) return [packet, typeof payload === 'string' ? Buffer.from(payload) : payload]
  if (typeof payload === 'string') packet.write(payload, at)
  else payload.copy(packet, at)
  return [packet]
}

/** Into the scratch buffer; their length. */
function writeProperties(properties: PublishProperties): number {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData, userProperties } = properties
  let at = 0
  if (payloadFormatIndicator !== undefined) {
    at = writeNumber(property.payloadFormatIndicator, at)
    at = scratch.writeUInt8(payloadFormatIndicator ? 1 : 0, at)
  }
  if (messageExpiryInterval !== undefined) {
    at = writeNumber(property.messageExpiryInterval, at)
    at = scratch.writeUInt32BE(messageExpiryInterval, at)
  }
  if (contentType !== undefined) at = writeText(contentType, writeNumber(property.contentType, at))
  if (responseTopic !== undefined) at = writeText(responseTopic, writeNumber(property.responseTopic, at))
  if (correlationData !== undefined) {
    at = writeNumber(property.correlationData, at)
    makeRoom(at + 2 + correlationData.length)
    at = scratch.writeUInt16BE(correlationData.length, at)
    at += correlationData.copy(scratch, at)
  }
  for (const [name, value] of userProperties) at = writeText(value, writeText(name, writeNumber(property.user, at)))
  return at
}

function writeNumber(number: number, at: number): number {
  makeRoom(at + 8)
  scratch[at] = number
  return at + 1
}

function writeText(text: string, at: number): number {
  // UTF-8 needs at most three bytes per UTF-16 unit.
  makeRoom(at + 2 + text.length * 3)
  const bytes = scratch.write(text, at + 2)
  scratch.writeUInt16BE(bytes, at)
  return at + 2 + bytes
}

function makeRoom(bytes: number): void {
  if (bytes <= scratch.length) return
  const larger = Buffer.allocUnsafe(bytes * 2)
  scratch.copy(larger)
  scratch = larger
}

/** Bytes of a length of variable size: seven bits in each. */
function varintBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4
}

function writeVarint(buffer: Buffer, length: number, offset: number): number {
  let [rest, at] = [length, offset]
  while (rest >= 128) {
    buffer[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  buffer[at] = rest
  return at + 1
}
