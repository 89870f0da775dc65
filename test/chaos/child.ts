import { connect, systemClock, type AnyDefinition, type Broker, type LogLevel } from '@busbar/core'
import { driversWith, leasesIn } from './drivers.ts'
import { HistoryWriter } from './history.ts'
import type { BackendSettings, Order } from './settings.ts'

const memoryEveryMs = 500

/** What producer and consumer processes have in common: a history, a broker, orders from the script. */
export class Child<
  Settings extends { readonly name: string; readonly history: string; readonly backend: BackendSettings; readonly redisUrl: string | undefined },
> {
  readonly settings: Settings
  readonly history: HistoryWriter
  /** Resolves when the process is told to end. */
  readonly ending: Promise<void>
  #mayEnd = false
  #jumpedMs = 0

  /** Reads the settings from the arguments. */
  constructor() {
    this.settings = JSON.parse(process.argv[2] ?? '') as Settings
    this.history = new HistoryWriter(this.settings.history)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ending = promise
    process.on('message', (message: Order) => {
      if (message.order === 'clock') this.#jumpedMs += message.byMs
      else {
        this.#mayEnd = true
        resolve()
      }
    })
    // Without the script there is nobody to end it.
    process.on('disconnect', () => process.exit(1))
    process.on('unhandledRejection', (reason) => this.#fail('an unhandled rejection', reason))
    process.on('uncaughtException', (error) => this.#fail('an uncaught exception', error))
    setInterval(() => this.history.write('memory', process.memoryUsage.rss()), memoryEveryMs).unref()
  }

  /** It has been told to end. */
  get mayEnd(): boolean {
    return this.#mayEnd
  }

  /** A started broker, on a wall clock that jumps when the script says so. */
  async connect(definitions: readonly AnyDefinition[]): Promise<Broker> {
    const broker = await connect(this.settings.backend.configuration, {
      drivers: driversWith(leasesIn(this.settings.redisUrl)),
      destinations: definitions,
      clock: { ...systemClock, now: () => systemClock.now() + this.#jumpedMs },
      log: (level, event, data) => this.#note(level, event, data),
    })
    await broker.start()
    return broker
  }

  end(): void {
    this.history.write('end')
    process.exit(0)
  }

  #note(level: LogLevel, event: string, data: Readonly<Record<string, unknown>>): void {
    if (level !== 'warn' && level !== 'error') return
    const text = JSON.stringify(data, (_, value: unknown) => (value instanceof Error ? value.message : value))
    this.history.write('note', event, text)
  }

  #fail(what: string, reason: unknown): void {
    this.history.write('wrong', what, reason instanceof Error ? (reason.stack ?? reason.message) : String(reason))
    process.exit(1)
  }
}
