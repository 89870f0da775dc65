import { createHash } from 'node:crypto'
import type { Endpoint } from '@busbar/core/driver'
import { limits } from './limits.ts'
import type { ResolvedOptions } from './options.ts'
import { filterOf, templateOf } from './templates.ts'

/** Physical names that an endpoint stands for. */

/** One persistent session at the broker, which belongs to a client id. */
export interface SessionName {
  /** The client id. */
  readonly clientId: string
  /** What the session is subscribed to. */
  readonly filter: string
  /** Other sessions get messages of the same subscription. */
  readonly shared: boolean
  /** Sessions of its source. */
  readonly members: number
  /** Below the notes topic: `<base>/<index>`, where `base` is of the endpoint. */
  readonly base: string
  readonly index: number
}

const digestDigits = 10
const shownCharacters = 60

/** The sessions that messages of an endpoint are received from: one for a subscription, `members` for a queue, none for a topic. */
export function sessionsOf(endpoint: Endpoint, options: ResolvedOptions, members: number): readonly SessionName[] {
  if (endpoint.kind === 'topic' && endpoint.subscription === undefined) return []
  const base = sessionBase(endpoint, options)
  // A queue with one session has no need for a shared subscription, and keeps the order of the topic.
  const shared = endpoint.kind === 'queue' && members > 1
  const filter = shared ? `$share/${options.clientId}/${endpoint.name}` : filterOf(endpoint)
  return Array.from({ length: members }, (_, index) => ({ clientId: `${base}-${index}`, filter, shared, members, base, index }))
}

/** Readable, short enough for brokers with narrow limits, and different for different endpoints. */
export function sessionBase({ kind, name, subscription }: Endpoint, { clientId }: ResolvedOptions): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([kind, name, subscription?.name ?? null]))
    .digest('hex')
    .slice(0, digestDigits)
  const shown = (subscription === undefined ? name : `${name}.${subscription.name}`).replace(/[^A-Za-z0-9_.-]/g, '_').slice(-shownCharacters)
  return `${clientId}-${shown}-${digest}`
}

/** The physical resource behind an endpoint. A queue is a topic too, so that no topic can have its name. */
export function addressOf(endpoint: Endpoint): string {
  // Whatever its parameters are called, a template is the same topics.
  const [name, { subscription }] = [templateOf(endpoint)?.pattern('+') ?? endpoint.name, endpoint]
  return subscription === undefined ? `topic ${name}` : `topic ${name}, subscription ${subscription.name}`
}

/** Why the names of an endpoint are illegal; `undefined` if all is well. */
export function nameProblem({ name, subscription, parameters }: Endpoint, options: ResolvedOptions): string | undefined {
  if (subscription !== undefined && (subscription.name === '' || !isText(subscription.name)))
    return 'the name of the subscription is empty, too long, or holds control characters'
  // Those of templates are looked at where they are filled.
  if (parameters !== undefined) return undefined
  if (/\{[^{}]*\}/.test(name)) return `the name ${shortened(name)} is an address template, and its topic was defined without parameters`
  const problem = topicProblem(name)
  if (problem !== undefined) return problem
  return isOfNotes(name, options) ? notesText(options) : undefined
}

/** Why nothing can be sent to a reply address, which a stranger may have chosen. */
export function replyProblem(address: string, options: ResolvedOptions): string | undefined {
  if (isOfNotes(address, options) && !address.startsWith(repliesTopic(options.notesTopic))) return notesText(options)
  return topicProblem(address)
}

/** What the reply addresses of links begin with. */
export function repliesTopic(notesTopic: string): string {
  return `${notesTopic}/replies/`
}

export function isOfNotes(name: string, { notesTopic }: Pick<ResolvedOptions, 'notesTopic'>): boolean {
  return name === notesTopic || name.startsWith(`${notesTopic}/`)
}

export function notesText({ notesTopic }: Pick<ResolvedOptions, 'notesTopic'>): string {
  return `topics at and below ${notesTopic} belong to the driver's notes`
}

/** Why nothing can be sent to a topic of this name. */
export function topicProblem(name: string): string | undefined {
  if (name === '') return 'the name is empty'
  if (/[+#]/.test(name)) return `the name ${shortened(name)} holds + or #, which are wildcards`
  if (!isText(name)) return `the name ${shortened(name)} is longer than 65,535 bytes, or holds control characters, non-characters or half of a surrogate pair`
  if (name.startsWith('$')) return `the name ${shortened(name)} begins with $, which belongs to the broker`
  return undefined
}

/** Is it a text that every broker takes? */
export function isText(text: string): boolean {
  return isShort(text) && isPlain(text)
}

/** Is it within MQTT's limit for texts? */
export function isShort(text: string): boolean {
  // UTF-8 needs at most three bytes per UTF-16 unit.
  return text.length * 3 <= limits.textBytes || Buffer.byteLength(text) <= limits.textBytes
}

/** Has it no character that MQTT forbids (NUL, half of a surrogate pair) or leaves to the broker, which may end the connection (other control characters, non-characters; MQTT 5, 1.5.4)? */
export function isPlain(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text)
}

function shortened(name: string): string {
  return JSON.stringify(name.slice(0, 100))
}
