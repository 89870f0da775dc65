import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../core/ports.ts'

export interface RabbitmqSettings {
  /** `consumer_timeout` in milliseconds; then checked every second instead of every minute. Default: the broker's. */
  readonly consumerTimeoutMs?: number
  /** After so many milliseconds what was on its way from a delay to its queue when the broker was killed is moved again. Default: the broker's, three minutes. */
  readonly movedAgainMs?: number
  /** Further lines of `rabbitmq.conf`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** Plugins beside `rabbitmq_management`. */
  readonly plugins?: readonly string[]
}

export interface RabbitmqPorts {
  readonly amqp: number
  readonly management: number
  readonly distribution: number
  readonly names: number
}

export async function freePorts(): Promise<RabbitmqPorts> {
  return { amqp: await freePort(), management: await freePort(), distribution: await freePort(), names: await freePort() }
}

/** Lines that are the same wherever the broker runs. */
export function configLines({ consumerTimeoutMs, config = {} }: RabbitmqSettings): string {
  const lines = Object.entries(config).map(([key, value]) => `${key} = ${value}\n`)
  if (consumerTimeoutMs !== undefined) lines.push(`consumer_timeout = ${consumerTimeoutMs}\n`)
  return lines.join('')
}

/** The part of the settings that `rabbitmq.conf` has no words for. */
export function advancedConfig({ consumerTimeoutMs, movedAgainMs }: RabbitmqSettings): string {
  const rabbit = [
    ...(consumerTimeoutMs === undefined ? [] : ['{channel_tick_interval, 1000}']),
    ...(movedAgainMs === undefined ? [] : [`{dead_letter_worker_publisher_confirm_timeout, ${movedAgainMs}}`]),
  ]
  return rabbit.length === 0 ? '[].\n' : `[{rabbit, [${rabbit.join(', ')}]}].\n`
}

/**
 * Writes the settings of a private instance into its folder and gives the environment that points there.
 * `seen` is the same folder as the broker sees it.
 */
export async function writeSettings(folder: string, seen: string, ports: RabbitmqPorts, settings: RabbitmqSettings): Promise<Record<string, string>> {
  const listeners =
    `listeners.tcp.default = 127.0.0.1:${ports.amqp}\n` +
    `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${ports.management}\n` +
    // The default reads /proc, which is empty where mounting is forbidden.
    'vm_memory_calculation_strategy = allocated\n'
  await writeFile(join(folder, 'rabbitmq.conf'), listeners + configLines(settings))
  await writeFile(join(folder, 'advanced.config'), advancedConfig(settings))
  await writeFile(join(folder, 'plugins'), `[${['rabbitmq_management', ...(settings.plugins ?? [])].join(',')}].\n`)
  await writeFile(join(folder, 'empty'), '')
  const loopback = '-kernel inet_dist_use_interface {127,0,0,1}'
  return {
    HOME: seen,
    RABBITMQ_NODENAME: `busbar${ports.amqp}@localhost`,
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: `${seen}/data`,
    RABBITMQ_LOG_BASE: `${seen}/log`,
    RABBITMQ_GENERATED_CONFIG_DIR: `${seen}/generated`,
    RABBITMQ_FEATURE_FLAGS_FILE: `${seen}/feature_flags`,
    RABBITMQ_PID_FILE: `${seen}/pid`,
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: `${seen}/plugins`,
    RABBITMQ_CONFIG_FILE: `${seen}/rabbitmq`,
    RABBITMQ_ADVANCED_CONFIG_FILE: `${seen}/advanced.config`,
    // Else the settings of a broker installed on the system are read.
    RABBITMQ_CONF_ENV_FILE: `${seen}/empty`,
    ERL_EPMD_PORT: String(ports.names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_CRASH_DUMP_SECONDS: '0',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: loopback,
    RABBITMQ_CTL_ERL_ARGS: loopback,
    // Makes the start script become the Erlang VM, so that the process we started is the one to signal.
    RUNNING_UNDER_SYSTEMD: '1',
  }
}
