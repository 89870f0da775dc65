import type { BrokerOptions, Emulation, ProvisionMode } from '../broker/types.ts'
import type { DriverFactory } from '../driver/index.ts'

/**
 * A driver by configuration alone: a URL whose scheme is one of a given driver's (`amqps://host/vhost`), or its name with its options.
 * A URL is convenient; an object keeps secrets out of places where URLs are printed.
 */
export type DriverConfiguration = string | { readonly name: string; readonly [option: string]: unknown }

/** As `Route`, but with drivers as configuration. */
export interface RouteConfiguration {
  /** Default: the broker's driver. */
  readonly driver?: DriverConfiguration
  /** Physical name: queue, exchange, URL, ARN. */
  readonly name?: string
  /** Where messages go that are given up. Default: queue `<name>.dead` on the same driver; `options` are those of the adapter for it. */
  readonly deadLetter?:
    | { readonly destination?: string; readonly driver?: DriverConfiguration; readonly options?: Readonly<Record<string, unknown>> }
    | 'drop'
    | 'block'
  /** Most handler starts per message that consumers may ask for. 1 to 100. Default 10. */
  readonly maxAttempts?: number
  /** `false` provisions no native delivery limit. */
  readonly nativeLimit?: false
  readonly emulate?: readonly Emulation[]
  readonly ordering?: 'best-effort'
  readonly delivery?: 'at-most-once'
  /** The adapter's own options for this destination. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** What a configuration object or JSON file holds. */
export interface BrokerConfiguration {
  /** Serves every destination that no route sends elsewhere. */
  readonly driver: DriverConfiguration
  /** By destination name. */
  readonly routes?: Readonly<Record<string, RouteConfiguration | string>>
  /** For all routes. */
  readonly emulate?: readonly Emulation[]
  /** What `start` does about resources at the broker. Default `verify`. */
  readonly provision?: ProvisionMode
}

/** What configuration cannot hold. */
export interface ConnectOptions extends Omit<BrokerOptions, 'driver' | 'routes' | 'emulate'> {
  /** The drivers to choose among; only these are part of a bundle. `[memory, amqp]` */
  readonly drivers: readonly DriverFactory[]
}
