import { decryption, encryption, localKeys } from '@busbar/middleware'
import type { SendContext } from '@busbar/core'
import { expected, first } from '../checks.ts'
import { contextOf, outcomeProblem, processed } from '../context.ts'
import { bytesLike, jsonLike, textLike } from '../inputs.ts'
import { standingClock } from '../standing-clock.ts'
import { target } from '../target.ts'

const secret = '{"card":"4111 1111 1111 1111"}'
const keys = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 7), k2: Buffer.alloc(32, 8) } })
const seal = encryption({ keys, headers: ['tenant'] })
const open = decryption({ keys })
/** Keys of messages, and so what is encrypted, are others in every run. */
const sealed = await Promise.all([0, 1].map(() => encrypted()))
const headers = sealed.map(({ headers: own }) => own['busbar-encryption'] ?? '')
const header = textLike(headers)
const values = jsonLike(headers.map((text) => JSON.parse(text) as unknown))
const cipher = bytesLike(sealed.map(({ body }) => Buffer.from(body)))

/** Nothing that was changed anywhere may be taken for what was encrypted. */
export const decryptionTargets = [
  target({
    name: 'decryption',
    generate: (draw) => {
      const one = draw.pick(sealed)
      const own = one.headers['busbar-encryption'] ?? ''
      const changed = draw.chance(0.6) ? (draw.chance(0.5) ? header(draw) : values(draw)) : own
      const body = draw.chance(0.5) ? Buffer.from(one.body) : cipher(draw)
      return contextOf({ body, headers: { tenant: draw.chance(0.9) ? 'acme' : 'other', 'busbar-encryption': changed } })
    },
    decode: (context) => processed(open, context),
    problem: ({ value, context, called }) =>
      first(
        outcomeProblem(value),
        called ? expected(Buffer.from(context.incoming.body).toString() === secret, 'something else was decrypted', context.incoming.body) : undefined,
      ),
  }),
]

/** A message as `encryption` makes it. */
async function encrypted(): Promise<SendContext['outgoing']> {
  const { incoming } = contextOf({ body: secret, headers: { tenant: 'acme' } })
  const outgoing = { ...incoming, id: 'm-1' } as unknown as SendContext['outgoing']
  const context = {
    body: secret,
    outgoing,
    destination: 'orders',
    capabilities: { kind: 'queue', maxMessageBytes: 262_144 },
    clock: standingClock,
    random: () => 0.5,
    signal: undefined,
  }
  const sent = context as unknown as SendContext
  await seal.send(sent, async () => ({ id: 'm-1' }))
  return sent.outgoing
}
