import type { DriverFactory } from '@busbar/core/driver'
import { MemoryDriver } from './memory-driver.ts'
import { optionsFromConfiguration, optionsFromUrl, resolveOptions, type MemoryOptions } from './options.ts'

/** Makes memory brokers: `memory()`, `memory({ profile: 'sqs-fifo', seed: 7 })`, or by configuration `memory:?profile=sqs-fifo&seed=7`. */
export interface MemoryFactory extends DriverFactory<MemoryOptions | undefined> {
  (options?: MemoryOptions): MemoryDriver
  fromUrl(url: URL): MemoryDriver
  fromConfiguration(options: Readonly<Record<string, unknown>>): MemoryDriver
}

/** A broker in this process. Throws `ERR_CONFIGURATION` for unknown or illegal options. */
export const memory: MemoryFactory = Object.freeze(
  Object.assign((options: MemoryOptions = {}): MemoryDriver => new MemoryDriver(resolveOptions(options)), {
    schemes: Object.freeze(['memory']),
    fromUrl: (url: URL): MemoryDriver => new MemoryDriver(resolveOptions(optionsFromUrl(url))),
    fromConfiguration: (options: Readonly<Record<string, unknown>>): MemoryDriver => new MemoryDriver(resolveOptions(optionsFromConfiguration(options))),
  }),
)
