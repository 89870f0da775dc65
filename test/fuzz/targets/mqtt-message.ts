import { incomingOf, parseNote, type ReceivedPacket } from '@busbar/mqtt/decoders'
import { expected, first, incoming as incomingProblem, isCount } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { bodyLike, jsonLike, optional } from '../inputs.ts'
import { anyText } from '../mutate/text.ts'
import { target } from '../target.ts'
import { envelope, packedDeath, packedHeaders, packedMetadata } from './headers.ts'

const names = ['busbar', 'busbar-headers', 'busbar-dead', 'tenant', 'traceparent', 'cc', 'x-death', '__proto__', 'constructor']
const body = bodyLike(jsonLike([{ total: 1 }]))
const note = jsonLike([
  { v: 1, filter: '$share/busbar/orders', members: 4, holder: '1f3c' },
  { v: 1, filter: 'orders', members: 1 },
])

/** Packets as the client library hands them over, with the properties of MQTT 5 and without, and the notes that processes keep at the broker. */
export const mqttTargets = [
  target({
    name: 'mqtt5-message',
    generate: (draw) => packet(draw, properties(draw)),
    decode: (received) => incomingOf(received, false),
    problem: incomingProblem,
  }),
  target({
    name: 'mqtt311-message',
    generate: (draw) => packet(draw, undefined),
    decode: (received) => incomingOf(received, true),
    problem: incomingProblem,
  }),
  target({
    name: 'mqtt-note',
    generate: note,
    decode: parseNote,
    problem: (found) =>
      found &&
      first(
        expected(typeof found.filter === 'string', 'the filter is', found.filter),
        expected(isCount(found.members) && found.members > 0, 'the number of members is', found.members),
        expected(found.holder === undefined || typeof found.holder === 'string', 'the holder is', found.holder),
      ),
  }),
]

function packet(draw: Draw, given: ReceivedPacket['properties']): ReceivedPacket {
  const payload = given === undefined ? envelope(draw) : body(draw)
  return { topic: 'orders', payload, qos: 1, dup: draw.chance(0.1), retain: draw.chance(0.2), messageId: 7, properties: given }
}

function properties(draw: Draw): NonNullable<ReceivedPacket['properties']> {
  const found: Record<string, unknown> = {
    contentType: optional(draw, () => anyText(draw)),
    responseTopic: optional(draw, () => anyText(draw)),
    correlationData: optional(draw, () => draw.bytes(draw.below(12))),
    userProperties: optional(draw, userProperties, 0.95),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

/** A name that is repeated has a list of its values. */
function userProperties(draw: Draw): Record<string, string | string[]> {
  const found = (draw.chance(0.5) ? Object.create(null) : {}) as Record<string, string | string[]>
  for (let left = draw.below(6); left > 0; left--) {
    const name = draw.chance(0.8) ? draw.pick(names) : anyText(draw)
    found[name] = draw.chance(0.1) ? [valueFor(draw, name), valueFor(draw, name)] : valueFor(draw, name)
  }
  return found
}

function valueFor(draw: Draw, name: string): string {
  if (name === 'busbar') return packedMetadata(draw)
  if (name === 'busbar-headers') return packedHeaders(draw)
  return name === 'busbar-dead' ? packedDeath(draw) : anyText(draw)
}
