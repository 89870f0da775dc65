import { startBed } from '../core/bed.ts'
import type { Bed, BedOptions } from '../core/bed.ts'
import { findService } from '../core/service.ts'
import { isSkipped } from '../core/skip.ts'
import type { Skipped } from '../core/skip.ts'
import { credentialsOf } from '../mqtt/credentials.ts'
import { connectOnce } from '../mqtt/greet.ts'
import { createInstance } from './instance.ts'
import type { ActivemqSettings } from './settings.ts'
import { activemq5 } from './sources.ts'

export interface ActivemqBedOptions extends ActivemqSettings, BedOptions {}

/** An ActiveMQ for tests, by MQTT 3.1.1: what it has confirmed survives `kill`. */
export type ActivemqBed = Bed

/** Finds and starts an ActiveMQ 5.17. Several can be started at the same time. */
export async function startActivemq(options: ActivemqBedOptions = {}): Promise<ActivemqBed | Skipped> {
  const { onProgress = () => {}, own, ...settings } = options
  const source = await findService(activemq5, { own: own ?? Object.keys(settings).length > 0, onProgress })
  if (isSkipped(source)) return source
  const created = source.how === 'environment' ? undefined : await createInstance(source, settings)
  const url = source.how === 'environment' ? source.url : `mqtt://${credentialsOf(settings.users)}127.0.0.1:${created?.port}`
  const greet = async (): Promise<string> => {
    // An open port says nothing: connectors open one after another.
    const client = await connectOnce(url, { protocolVersion: 4 })
    client.end(true)
    // MQTT has no word for it.
    return /Apache ActiveMQ (\d\S*)/.exec((await created?.instance.output()) ?? '')?.[1] ?? 'unknown'
  }
  return await startBed({ broker: 'ActiveMQ', url, how: source.how, instance: created?.instance, startTimeoutMs: 60_000, greet })
}
