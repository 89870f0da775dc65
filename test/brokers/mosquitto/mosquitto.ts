import { owned, startBed } from '../core/bed.ts'
import type { Bed, BedOptions } from '../core/bed.ts'
import { findService } from '../core/service.ts'
import { isSkipped } from '../core/skip.ts'
import type { Skipped } from '../core/skip.ts'
import { credentialsOf } from '../mqtt/credentials.ts'
import { connectOnce, retainedText } from '../mqtt/greet.ts'
import { createInstance } from './instance.ts'
import type { Started } from './instance.ts'
import type { MosquittoSettings } from './settings.ts'
import { mosquitto2 } from './sources.ts'

export interface MosquittoBedOptions extends MosquittoSettings, BedOptions {}

/** It reads its snapshot before it listens, which may hold hundreds of thousands of messages. */
const startTimeoutMs = 60_000

/** A mosquitto for tests, for MQTT 5 and 3.1.1. `stop` keeps sessions and messages; `kill` loses what has come since the last snapshot. */
export interface MosquittoBed extends Bed {
  /** `ws://…`; `undefined` when it was given by the environment. */
  readonly webSocketUrl: string | undefined
  /** `mqtts://localhost…`; `undefined` without `tls`. */
  readonly tlsUrl: string | undefined
  /** Has it write its snapshot now (SIGUSR1), and waits until it is there. */
  save(): Promise<void>
}

/** Finds and starts a mosquitto 2.0. Several can be started at the same time. */
export async function startMosquitto(options: MosquittoBedOptions = {}): Promise<MosquittoBed | Skipped> {
  const { onProgress = () => {}, own, ...settings } = options
  const source = await findService(mosquitto2, { own: own ?? Object.keys(settings).length > 0, onProgress })
  if (isSkipped(source)) return source
  const created = source.how === 'environment' ? undefined : await createInstance(source, settings)
  const user = credentialsOf(settings.users)
  const url = source.how === 'environment' ? source.url : `mqtt://${user}127.0.0.1:${created?.ports.plain}`
  const server = { broker: 'mosquitto', url, how: source.how, instance: created?.instance, startTimeoutMs, greet: () => greet(url) }
  return {
    ...(await startBed(server)),
    ...furtherUrls(created?.ports, user, settings),
    async save() {
      await owned(server).signal('SIGUSR1')
      // It is done in the turn of its loop before the one that reads this.
      await greet(url)
    },
  }
}

function furtherUrls(ports: Started['ports'] | undefined, user: string, { tls }: MosquittoSettings): Pick<MosquittoBed, 'webSocketUrl' | 'tlsUrl'> {
  return {
    webSocketUrl: ports && `ws://${user}127.0.0.1:${ports.webSocket}`,
    tlsUrl: ports && tls && `mqtts://${user}localhost:${ports.tls}`,
  }
}

async function greet(url: string): Promise<string> {
  const client = await connectOnce(url, { protocolVersion: 5 })
  try {
    const text = await retainedText(client, '$SYS/broker/version')
    return text?.replace('mosquitto version ', '') ?? 'unknown'
  } finally {
    client.end(true)
  }
}
