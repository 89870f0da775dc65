import { templateRemedy } from '../driver/refused-template.ts'
import type { Change } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import type { Mismatch } from './negotiate.ts'
import type { Plan, Planned } from './plan.ts'
import type { ProvisionMode } from './types.ts'

/** What is wrong, and what to do about it. */
type Text = (wanted: number | string, has: number | string) => readonly [text: string, remedy: string]

const useIdempotency = 'use the idempotency middleware instead, or route it to a FIFO queue'

export type MismatchKind =
  | 'refused'
  | 'keyOrder'
  | 'oneOrder'
  | 'delivery'
  | 'confirms'
  | 'deduplicationId'
  | 'deduplication'
  | 'deduplicationWindow'
  | 'wait'
  | 'longWait'
  | 'bodyBytes'
  | 'headers'
  | 'priority'
  | 'subscriptions'
  | 'filter'
  | 'startFrom'
  | 'addressTemplates'
  | 'requestReply'

const texts: Readonly<Record<MismatchKind, Text>> = {
  refused: (refused, remedy) => [String(refused), String(remedy)],
  keyOrder: () => [
    'it needs messages in order, and this backend keeps no order',
    "route it to a driver that orders by key (a FIFO queue, partitions), or accept disorder with ordering: 'best-effort' in the route",
  ],
  oneOrder: () => [
    'it needs one order over all messages, and this backend orders per key only',
    "give all messages one ordering key, or accept disorder with ordering: 'best-effort' in the route",
  ],
  delivery: () => ['this backend can lose messages', "accept that with delivery: 'at-most-once' in the route, or route it elsewhere"],
  confirms: () => ['this backend does not confirm sends', 'set requires.confirms to false in the definition, or route it elsewhere'],
  deduplicationId: () => ['it has a deduplicationId, and this backend does not deduplicate', useIdempotency],
  deduplication: (wanted) => [`it needs deduplication over ${wanted} ms, and this backend does not deduplicate`, useIdempotency],
  deduplicationWindow: (wanted, has) => [
    `it needs deduplication over ${wanted} ms, and this backend remembers ${has} ms`,
    'use the idempotency middleware with a longer ttlMs',
  ],
  wait: (wanted) => [`it needs ${wanted}, and this backend has none`, 'route it to a driver that has'],
  longWait: (wanted, has) => [`it needs ${wanted}, and this backend takes at most ${has} ms`, 'ask for less, or route it to a driver that takes more'],
  bodyBytes: (wanted, has) => [`it needs bodies of ${wanted} bytes, and this backend takes ${has}`, 'send less, compress, or use a claim check'],
  headers: (wanted, has) => [`it needs ${wanted} headers, and this backend takes ${has}`, 'put some of them into the body'],
  priority: (wanted, has) => [`it needs ${wanted} priority levels, and this backend has ${has}`, 'use one queue per level'],
  subscriptions: () => ['it has no subscriptions', 'route the topic or stream to a driver that has'],
  filter: (on, by) => [
    `it has a filter on ${on}, and this backend does not filter by ${by}`,
    "let the consumer evaluate it with emulate: ['filter'] in the route (it then receives every message), or route it to a driver that filters",
  ],
  startFrom: (wanted) => [`it starts from ${wanted}, and this backend cannot`, "start from 'latest', or route it to a driver with the replay capability"],
  addressTemplates: () => ['its name has parameters, and this backend has no address templates', templateRemedy],
  requestReply: () => ['it has no request-reply', 'route it to a driver with the requestReply capability'],
}

/** One error that lists every mismatch with its remedy. */
export function mismatchError(mismatches: readonly Mismatch[], plan: Plan): BrokerError {
  const lines = mismatches.map(({ planned, kind, wanted, has }) => {
    const [text, remedy] = texts[kind](wanted, has)
    return `- ${planned.label} on ${planned.driver.name}: ${text}. Remedy: ${remedyOfPlace(planned, plan) ?? remedy}.`
  })
  const count = mismatches.length === 1 ? 'One requirement is' : `${mismatches.length} requirements are`
  return new BrokerError('ERR_UNSUPPORTED', `${count} not met:\n${lines.join('\n')}`)
}

/** A place for dead letters has no route of its own, so that a driver's remedy could not be followed; nothing else is asked of one than that it exists. */
function remedyOfPlace(planned: Planned, { all }: Plan): string | undefined {
  const destination = all.find(({ deadLetter }) => deadLetter === planned)?.endpoint.destination
  if (destination === undefined) return undefined
  return `set deadLetter: { driver } in the route of ${destination}, or { destination } if it is the name, or deadLetter: 'drop' or 'block'`
}

/** One error that lists how the resources at the broker differ from what is needed. */
export function differenceError(changes: readonly Difference[], mode: ProvisionMode): BrokerError {
  const lines = [...alike(changes).values()].flatMap((group) => {
    const [first, last] = [group[0], group.at(-1)]
    if (group.length < fewestTogether || first === undefined || last === undefined) return group.map((change) => lineOf(change, change.resource))
    return [lineOf(first, `${first.resource} and ${group.length - 1} more like it, up to ${last.resource},`)]
  })
  const remedy =
    mode === 'verify'
      ? "Create what is missing with broker.provision({ mode: 'create' }), or start with provision: 'none' to skip this check."
      : 'These cannot be changed in place.'
  const conflict = changes.some((change) => change.kind === 'conflict')
  return new BrokerError(conflict ? 'ERR_CONFLICT' : 'ERR_NOT_FOUND', `The broker differs from what the destinations need:\n${lines.join('\n')}\n${remedy}`)
}

type Difference = Change & { readonly driver: string }

/** What is missing and differs in nothing but numbers is told in one line from so many on: a driver's partitions and delays, dozens of them, would hide the rest. */
const fewestTogether = 3

function alike(changes: readonly Difference[]): Map<string, Difference[]> {
  const found = new Map<string, Difference[]>()
  for (const change of changes) {
    const { driver, kind, resource, text, permission = '' } = change
    const texts = [resource, text, permission]
    const id = JSON.stringify([driver, kind, ...(kind === 'create' || kind === 'missing' ? texts.map(withoutSerial) : texts)])
    const others = found.get(id)
    if (others === undefined) found.set(id, [change])
    else others.push(change)
  }
  return found
}

/** Without the numbers at the end of names: `orders.p0`, `delay.00`, `session-3`. */
function withoutSerial(text: string): string {
  return text.replaceAll(/(?<=\.p?|-)\d+(?![\w-])/g, '#')
}

function lineOf({ driver, kind, text, permission }: Difference, what: string): string {
  return `- ${what} on ${driver} (${kind}): ${text}${permission ? ` (needs ${permission})` : ''}`
}
