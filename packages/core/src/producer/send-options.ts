import type { Capabilities } from '../driver/capabilities.ts'
import { BrokerError } from '../errors.ts'
import { assertKnownKeys } from '../nearest.ts'
import type { SendOptions } from './types.ts'

const known = ['headers', 'delayMs', 'timeToLiveMs', 'priority', 'id', 'timeoutMs', 'signal'] as const

/** Refuses what the backend cannot do instead of dropping it. Throws `ERR_UNSUPPORTED`, or `TypeError`/`RangeError` for misuse. */
export function checkSendOptions(
  options: SendOptions,
  producer: { readonly destination: string; readonly keyed: boolean; readonly capabilities: () => Capabilities },
): void {
  for (const _ in options) {
    // Only messages that set an option pay for looking at them all.
    assertKnownKeys('send', options, known)
    checkValues(options)
    checkCapabilities(options, producer)
    return
  }
}

function checkValues({ delayMs, timeToLiveMs, priority, timeoutMs }: SendOptions): void {
  if (delayMs !== undefined) positive('delayMs', delayMs, 0)
  if (timeToLiveMs !== undefined) positive('timeToLiveMs', timeToLiveMs, 1)
  if (timeoutMs !== undefined) positive('timeoutMs', timeoutMs, 1)
  if (priority !== undefined && (!Number.isInteger(priority) || priority < 0)) throw new RangeError(`priority must be an integer ≥ 0, not ${priority}`)
}

function positive(name: string, value: number, least: number): void {
  if (!Number.isFinite(value) || value < least) throw new RangeError(`${name} must be a finite number of milliseconds ≥ ${least}, not ${value}`)
}

function checkCapabilities(options: SendOptions, { destination, keyed, capabilities }: Parameters<typeof checkSendOptions>[1]): void {
  const { delay, timeToLive, priority, maxHeaders } = capabilities()
  const refuse = (text: string): never => {
    throw new BrokerError('ERR_UNSUPPORTED', `${destination}: ${text}`, { destination })
  }
  if (options.delayMs) {
    if (!delay) refuse('this backend has no delayed send: send later, or route the destination to a driver with the delay capability')
    else if (options.delayMs > delay.maxMs) refuse(`a delay of ${options.delayMs} ms is longer than this backend takes (${delay.maxMs} ms)`)
    else if (keyed)
      refuse("a delayed message would be overtaken by later ones of its ordering key: send it later, or accept that with ordering: 'best-effort' in the route")
  }
  if (options.timeToLiveMs !== undefined) {
    if (!timeToLive) refuse('this backend has no time to live: drop old messages in the handler by their timestamp')
    else if (options.timeToLiveMs > timeToLive.maxMs)
      refuse(`a time to live of ${options.timeToLiveMs} ms is longer than this backend takes (${timeToLive.maxMs} ms)`)
  }
  if (options.priority) {
    if (!priority) refuse('this backend has no priorities: use one queue per level')
    else if (options.priority >= priority.levels) refuse(`priority ${options.priority} is above this backend's highest, ${priority.levels - 1}`)
  }
  if (options.headers && maxHeaders !== false) {
    const count = Object.keys(options.headers).length
    if (count > maxHeaders) refuse(`${count} headers are more than this backend takes (${maxHeaders})`)
  }
}
