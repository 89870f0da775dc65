import type { Clock } from '../clock.ts'
import type { Services } from '../driver/driver.ts'
import { idSource } from '../ids.ts'
import { systemClock } from '../system-clock.ts'
import type { Telemetry } from '../telemetry.ts'
import type { BrokerOptions, Logger } from './types.ts'

/** What every part of a broker is given instead of globals. */
export interface Runtime {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly freshId: () => string
}

export function makeRuntime(options: BrokerOptions): Runtime {
  const random = options.random ?? systemRandom
  const log = options.log ? guarded(options.log, nowhere) : consoleLog
  return {
    clock: options.clock ?? systemClock,
    random,
    log,
    telemetry: options.telemetry ? guardedTelemetry(options.telemetry, log) : {},
    freshId: idSource(random),
  }
}

export function servicesFor(driver: string, { clock, random, log, telemetry }: Runtime): Services {
  return { clock, random, log, meter: (call, count) => telemetry.call?.({ driver, call, count }) }
}

/** From the platform's cryptographic source: ids must not repeat between processes that start together. */
function systemRandom(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32
}

/** A logger that fails has nowhere to tell it. */
const nowhere = (): void => undefined

const consoleLog: Logger = (level, event, data) => {
  if (level === 'warn' || level === 'error') console[level](`busbar ${event}`, data)
}

/** What an observer throws, or its promise rejects with, must not stop messages or end the process. */
function guarded<Given extends unknown[]>(observer: (...given: Given) => unknown, failed: (error: unknown) => void): (...given: Given) => unknown {
  return (...given) => {
    try {
      const answer = observer(...given)
      if (answer instanceof Promise) answer.catch(failed)
      return answer
    } catch (error) {
      return failed(error)
    }
  }
}

const guardedHooks = ['create', 'send', 'receive', 'settle', 'blocked', 'call'] as const
/** Those of {@link Telemetry}. */
export const hooks: readonly string[] = [...guardedHooks, 'process']

/** Hooks that throw are logged and must not stop messages, save `process`, which is part of a handler's start and fails it. */
function guardedTelemetry(telemetry: Telemetry, log: Logger): Telemetry {
  const hooked: Record<string, unknown> = { process: telemetry.process?.bind(telemetry) }
  for (const hook of guardedHooks) {
    const call = telemetry[hook] as ((event: unknown) => unknown) | undefined
    if (!call) continue
    hooked[hook] = guarded(call.bind(telemetry), (error) => {
      log('error', 'telemetry:failed', { hook, error: String(error) })
    })
  }
  return hooked
}
