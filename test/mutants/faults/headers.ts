import type { Headers, Incoming, Outgoing } from '@busbar/core/driver'
import { withIncoming } from '../alter.ts'
import { editArriving, editSent } from '../edits.ts'
import type { Mutant } from '../mutant.ts'

function headers(
  name: string,
  fault: string,
  killedBy: Mutant['killedBy'],
  change: (entries: [string, string][], batch: readonly Outgoing[]) => [string, string][],
): Mutant {
  const changed = (given: Headers, batch: readonly Outgoing[]): Headers =>
    Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(change(Object.entries(given), batch)))
  return { name, fault, killedBy, alterations: () => editSent((message, _index, batch) => ({ ...message, headers: changed(message.headers, batch) })) }
}

function metadata(
  name: string,
  fault: string,
  change: Partial<Incoming> | ((incoming: Incoming) => Partial<Incoming>),
  killedBy: Mutant['killedBy'] = 'sending/metadata',
): Mutant {
  return {
    name,
    fault,
    killedBy,
    alterations: () => editArriving((delivery) => withIncoming(delivery, typeof change === 'function' ? change(delivery.incoming) : change)),
  }
}

export const headerFaults: readonly Mutant[] = [
  headers('headers-dropped', 'loses all headers', 'sending/headers', () => []),
  headers('header-case-folded', 'writes header names in lower case', 'sending/headers', (entries) =>
    entries.map(([name, value]) => [name.toLowerCase(), value]),
  ),
  headers('header-added', 'adds a header of its own', 'sending/headers', (entries) => [...entries, ['x-broken', '1']]),
  headers('last-header-dropped', 'loses the last header', 'sending/headers', (entries) => entries.slice(0, -1)),
  headers('header-values-trimmed', 'cuts white space off the ends of header values', 'sending/header-values', (entries) =>
    entries.map(([name, value]) => [name, value.trim()]),
  ),
  headers('empty-header-dropped', 'loses headers with an empty value', 'sending/header-values', (entries) => entries.filter(([, value]) => value !== '')),
  headers('headers-beyond-ten-dropped', 'loses all but ten headers', 'sending/many-headers', (entries) => entries.slice(0, 10)),
  headers('headers-shared-in-batch', 'gives all messages of a batch the headers of the first', 'sending/headers-per-message', (_entries, batch) =>
    Object.entries(batch[0]?.headers ?? {}),
  ),
  {
    ...metadata('id-replaced', 'gives messages a new identity', ({ id }) => ({ id: `new-${id}` })),
    alsoKilledBy: ['dead-letters/redrive', 'dead-letters/redrive-to'],
  },
  metadata('headers-with-prototype', 'hands headers over as a plain object', ({ headers: given }) => ({ headers: { ...given } }), 'sending/headers'),
  metadata('type-dropped', 'loses the type', { type: undefined }),
  metadata('content-type-dropped', 'loses the content type', { contentType: undefined }),
  metadata('timestamp-shifted', 'keeps timestamps in whole seconds', ({ timestamp }) => ({
    timestamp: timestamp === undefined ? undefined : Math.floor(timestamp / 1000) * 1000,
  })),
  metadata('attempt-dropped', 'loses the number of attempts used', { attempt: 0 }),
  metadata('correlation-id-dropped', 'loses the correlation id', { correlationId: undefined }),
  metadata('key-dropped', 'loses the ordering key', { key: undefined }, 'sending/ordering-key'),
  metadata(
    'own-header-shown',
    "shows its own header among the user's",
    (incoming) => ({ headers: { ...incoming.headers, busbar: '{"v":1}' } }),
    'sending/own-headers-hidden',
  ),
]
