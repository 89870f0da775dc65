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
  return {
    clock: options.clock ?? systemClock,
    random,
    log: options.log ?? consoleLog,
    telemetry: options.telemetry ?? {},
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

const consoleLog: Logger = (level, event, data) => {
  if (level === 'warn' || level === 'error') console[level](`busbar ${event}`, data)
}
