import type { Endpoint, Refusal } from '@busbar/core/driver'
import { textBytes } from './size.ts'

/** Of a name and of a routing key: short strings of AMQP. */
const shortBytes = 255
/** Binary digits before the target in the routing key of a delayed message, and the dots behind them. */
const ladderBytes = 28 * 2
/** A queue or an exchange. */
const targetPrefixBytes = 2
/** The driver's default, of which the last partition has the longest name. */
const lastPartition = '.p7'
const recordOfPartitions = '.partitions'
const filterOfSubscription = '.via-0123456789ab'
/** More bindings than this slow an exchange down. */
const maxBindings = 64
/** Travels as a property, which an exchange does not look at. */
const encodingHeader = 'content-encoding'

/** Why the driver does not take a name: what it makes beside the resource itself must have a legal one too. */
export function refuseName(endpoint: Endpoint): Refusal | undefined {
  const { name, subscription, keyed } = endpoint
  const place = placeOf(endpoint)
  const longest = place + (subscription === undefined ? (keyed ? recordOfPartitions : '') : filterOfSubscription)
  if (name !== '' && textBytes(longest) <= shortBytes && !name.startsWith('amq.') && !name.startsWith('busbar.')) return undefined
  return {
    refused: `the name ${place.slice(0, 100)} is empty, has more than ${shortBytes} bytes with what belongs to it, or begins with amq. or busbar.`,
    remedy: 'give a legal name in the route',
  }
}

/** Can messages for an endpoint be delayed? The whole way of a delayed message is in its routing key, which must leave room for the target's name. */
export function fitsLadder(endpoint: Endpoint): boolean {
  const target = endpoint.keyed ? placeOf(endpoint) + lastPartition : placeOf(endpoint)
  return ladderBytes + targetPrefixBytes + textBytes(target.replaceAll(/[%.]/g, '%xx')) <= shortBytes
}

/** A headers exchange compares whole values or asks whether a header is there, and several bindings are alternatives. */
export function filtersByHeaders({ subscription }: Endpoint): boolean {
  let bindings = 1
  for (const [name, alternatives] of Object.entries(subscription?.headerFilter ?? {})) {
    const fits = alternatives.every((one) => typeof one === 'string' || ('exists' in one && one.exists))
    const present = alternatives.some((one) => typeof one !== 'string')
    bindings *= present ? 1 : new Set(alternatives).size
    if (!fits || alternatives.length === 0 || name === encodingHeader || bindings > maxBindings) return false
  }
  return true
}

/** A subscription is a queue of its own. */
function placeOf({ name, subscription }: Endpoint): string {
  return subscription === undefined ? name : `${name}.${subscription.name}`
}
