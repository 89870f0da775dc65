import type { Endpoint } from '@busbar/core/driver'
import { configuration } from './errors.ts'
import { booleanOf, checkKnown, integer, oneOf } from './option-checks.ts'
import { maxMembers, type ResolvedOptions } from './options.ts'

/** Options of a destination on MQTT: `routes: { positions: { options: { … } } }`. */
export interface MqttRouteOptions {
  /** Quality of service of what is sent, and 1 at most of what is received. Default: the driver's. */
  readonly qos?: 0 | 1 | 2
  /** The broker keeps the last message of the topic for those who subscribe later; topics only. Default false. */
  readonly retain?: boolean
  /** Topics only, MQTT 5 only, quality 1 or 2 only: a message that no subscription takes is refused with `ERR_UNROUTABLE`, where the broker tells. Default false. Queues always refuse, and take no such option. */
  readonly mandatory?: boolean
  /**
   * MQTT 3.1.1 only: puts headers, id and the other metadata into an envelope around the body, for readers that open it. Default false: a message is the body alone, and
   * messages with headers, a type or a reply address are refused. MQTT 5 has fields of its own for all of that.
   */
  readonly envelope?: boolean
  /**
   * Queues only: sessions that share it, and so the most processes that can. 1 to 64. Default: as many as it was made with, the driver's for a new one; a place for dead letters
   * is made with 1. Fixed at creation.
   */
  readonly members?: number
  /**
   * Queues only: what becomes of a message that is to be tried again without a wait by a policy that holds nothing (`retry({ holdMs: 0 })`). `republish`: a copy with its count
   * of attempts goes to the end of the queue, and the message is acked when the broker has confirmed it; other retries stay in process. Such a queue has no order. Needs quality 1
   * or 2, and with MQTT 3.1.1 an envelope. Default `in-process`.
   */
  readonly redelivery?: 'in-process' | 'republish'
}

export interface ResolvedRouteOptions {
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly mandatory: boolean
  readonly envelope: boolean
  /** Sessions; `undefined` where the notes are to be asked. */
  readonly members: number | undefined
  readonly republish: boolean
}

const known: readonly (keyof MqttRouteOptions)[] = ['qos', 'retain', 'mandatory', 'envelope', 'members', 'redelivery']

/** Throws `ERR_CONFIGURATION`. */
export function resolveRouteOptions(endpoint: Endpoint, driver: ResolvedOptions): ResolvedRouteOptions {
  const options = endpoint.options as MqttRouteOptions
  checkKnown('mqtt', options, known)
  checkMeaning(options, endpoint.kind, driver.protocolVersion)
  const isQueue = endpoint.kind === 'queue'
  const letters = endpoint.deadLettersOf !== undefined
  if (letters) checkOfLetters(options)
  const qos = oneOf('qos', options.qos, [0, 1, 2], letters ? 1 : driver.qos)
  if (qos === 0 && options.mandatory === true) throw configuration("mqtt: option 'mandatory' needs quality 1 or 2, since with 0 the broker answers nothing")
  // Why a message was given up is in a header, which needs a place.
  const envelope = driver.protocolVersion === 4 && (letters || booleanOf('envelope', options.envelope, false))
  const republish = oneOf('redelivery', options.redelivery, ['in-process', 'republish'], 'in-process') === 'republish'
  if (republish) checkRepublishing(qos, envelope || driver.protocolVersion === 5)
  return {
    qos,
    retain: booleanOf('retain', options.retain, false),
    mandatory: isQueue || booleanOf('mandatory', options.mandatory, false),
    envelope,
    // A session of its own for a place that is seldom read: mosquitto forgets shared subscriptions when it is restarted.
    members: isQueue && !letters ? membersOf(options.members) : 1,
    republish,
  }
}

function membersOf(value: unknown): number | undefined {
  return value === undefined ? undefined : integer('members', value, 1, 1, maxMembers)
}

function checkRepublishing(qos: 0 | 1 | 2, carriesAttempts: boolean): void {
  if (qos === 0)
    throw configuration("mqtt: option 'redelivery' needs quality 1 or 2 for copies, since with 0 the broker confirms nothing; set qos: 1 or remove it")
  if (!carriesAttempts)
    throw configuration("mqtt: option 'redelivery' needs envelope: true with MQTT 3.1.1, which has no other place for the count of attempts; set that too")
}

function checkOfLetters({ members, envelope }: MqttRouteOptions): void {
  if (members !== undefined && members !== 1) throw configuration("mqtt: option 'members' of a place for dead letters can be 1 only; remove it")
  if (envelope === false)
    throw configuration("mqtt: option 'envelope' of a place for dead letters can be true only, since it tells why they are there; remove it")
}

function checkMeaning({ retain, mandatory, envelope, members, redelivery }: MqttRouteOptions, kind: Endpoint['kind'], version: 5 | 4): void {
  if (retain !== undefined && kind === 'queue') throw configuration("mqtt: option 'retain' has a meaning for topics only; remove it")
  if (mandatory !== undefined && kind === 'queue')
    throw configuration("mqtt: option 'mandatory' has a meaning for topics only, since queues always refuse what has no session; remove it")
  if (mandatory !== undefined && version === 4)
    throw configuration("mqtt: option 'mandatory' needs MQTT 5, since 3.1.1 does not tell who takes a message; remove it")
  if (envelope !== undefined && version === 5)
    throw configuration("mqtt: option 'envelope' has a meaning with MQTT 3.1.1 only, since 5 has user properties; remove it")
  if (members !== undefined && kind !== 'queue') throw configuration("mqtt: option 'members' has a meaning for queues only; remove it")
  if (redelivery !== undefined && kind !== 'queue')
    throw configuration("mqtt: option 'redelivery' has a meaning for queues only, since a copy would reach all other subscriptions of a topic; remove it")
}
