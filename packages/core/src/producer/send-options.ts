import { checkedInteger, checkedNumber } from '../checked-number.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import { checkSignal } from '../kind-of.ts'
import { assertKnownKeys } from '../nearest.ts'
import type { SendOptions } from './types.ts'

const ofBatches = ['headers', 'delayMs', 'timeToLiveMs', 'priority', 'timeoutMs', 'signal']
/** One id would be that of all messages of a batch. */
const known = { send: [...ofBatches, 'id'], sendBatch: ofBatches }

/** What the backend, or the buffer, cannot do for a message; told in a sentence by `refusalError`. */
export interface SendRefusal {
  readonly kind: 'noDelay' | 'longDelay' | 'delayedKey' | 'noTimeToLive' | 'longTimeToLive' | 'noPriority' | 'highPriority' | 'headers' | 'full'
  readonly wanted: number
  readonly has: number
}

/** What is sent to, as far as options matter. */
export interface SendPlace {
  readonly keyed: boolean
  /** Those of its address, which sends may give. */
  readonly parameters: readonly string[] | undefined
  readonly capabilities: () => Capabilities
}

/** What of the options the backend cannot do: nothing is dropped in silence. Throws `TypeError` or `RangeError` for misuse. */
export function refusedOption(options: SendOptions, { keyed, parameters, capabilities }: SendPlace, what: 'send' | 'sendBatch'): SendRefusal | undefined {
  if (typeof options !== 'object' || options === null) assertKnownKeys(what, options, known[what])
  for (const _ in options) {
    // Only messages that set an option pay for looking at them all.
    assertKnownKeys(what, options, parameters ? [...known[what], 'parameters'] : known[what])
    checkValues(options)
    return refusalOf(options, keyed, capabilities())
  }
  return undefined
}

function checkValues({ delayMs, timeToLiveMs, priority, timeoutMs, signal }: SendOptions): void {
  checkSignal('send', signal)
  if (delayMs !== undefined) checkedNumber('delayMs', delayMs, 0)
  if (timeToLiveMs !== undefined) checkedNumber('timeToLiveMs', timeToLiveMs, 1)
  if (timeoutMs !== undefined) checkedNumber('timeoutMs', timeoutMs, 1)
  if (priority !== undefined) checkedInteger('priority', priority, 0)
}

function refusalOf({ delayMs, timeToLiveMs, priority, headers }: SendOptions, keyed: boolean, has: Capabilities): SendRefusal | undefined {
  if (delayMs) {
    if (!has.delay) return refusal('noDelay', delayMs)
    if (delayMs > has.delay.maxMs) return refusal('longDelay', delayMs, has.delay.maxMs)
    if (keyed) return refusal('delayedKey', delayMs)
  }
  if (timeToLiveMs !== undefined) {
    if (!has.timeToLive) return refusal('noTimeToLive', timeToLiveMs)
    if (timeToLiveMs > has.timeToLive.maxMs) return refusal('longTimeToLive', timeToLiveMs, has.timeToLive.maxMs)
  }
  if (priority) {
    if (!has.priority) return refusal('noPriority', priority)
    if (priority >= has.priority.levels) return refusal('highPriority', priority, has.priority.levels - 1)
  }
  const count = headers && has.maxHeaders !== false ? Object.keys(headers).length : 0
  return has.maxHeaders !== false && count > has.maxHeaders ? refusal('headers', count, has.maxHeaders) : undefined
}

function refusal(kind: SendRefusal['kind'], wanted: number, has = 0): SendRefusal {
  return { kind, wanted, has }
}
