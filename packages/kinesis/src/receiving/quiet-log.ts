import type { Services } from '@busbar/core/driver'

/** Between two tellings of the same, in milliseconds. */
const silenceMs = 10_000

/** Tells of what may happen for every record, at most every ten seconds for each event and place, with how often it has happened since. */
export class QuietLog {
  readonly #services: Services
  readonly #told = new Map<string, { nextAt: number; times: number }>()

  constructor(services: Services) {
    this.#services = services
  }

  warn(event: string, place: string, data: Readonly<Record<string, unknown>>): void {
    const key = `${event} ${place}`
    const now = this.#services.clock.monotonic()
    const told = this.#told.get(key) ?? { nextAt: now, times: 0 }
    this.#told.set(key, told)
    told.times++
    if (now < told.nextAt) return
    this.#services.log('warn', event, { ...data, times: told.times })
    told.nextAt = now + silenceMs
    told.times = 0
  }
}
