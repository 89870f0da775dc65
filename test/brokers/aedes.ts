import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Aedes } from 'aedes'
import { freePort } from './core/ports.ts'

/** A small MQTT 3.1.1 broker for tests, in this process: no MQTT 5, no shared subscriptions (it grants them and does not deliver), no flow control, no DUP flag. */
export interface AedesBed extends AsyncDisposable {
  readonly url: string
  /** Of the package. */
  readonly version: string
  /** Takes connections again on the same port, with the sessions and messages that were there. */
  start(): Promise<void>
  /** Ends all connections and takes none. */
  stop(): Promise<void>
}

export interface AedesOptions {
  /** What its store takes for each of the first ten messages of a connection, in milliseconds, as one on a network does. Default 0: a store in memory. */
  readonly storeMs?: number
}

/** The package is always there, so this is never skipped. */
export async function startAedes({ storeMs = 0 }: AedesOptions = {}): Promise<AedesBed> {
  const broker = await Aedes.createBroker()
  if (storeMs > 0) slowDown((broker as unknown as { readonly persistence: Store }).persistence, storeMs)
  const port = await freePort()
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const stop = async (): Promise<void> => {
    const ending = server
    server = undefined
    if (ending === undefined) return
    const closed = once(ending, 'close')
    ending.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  const start = async (): Promise<void> => {
    if (server !== undefined) throw new Error('aedes is running already')
    server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      broker.handle(socket)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await start()
  return {
    url: `mqtt://127.0.0.1:${port}`,
    version: versionOf('aedes'),
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      await new Promise<void>((resolve) => broker.close(resolve))
    },
  }
}

/** The part of its store that every message to a session with quality 1 goes through, those that have waited one after the other. */
interface Store {
  outgoingUpdate(client: object, ...given: unknown[]): Promise<unknown>
}

/** Enough to show what it does; all of them would take the tests' time. */
const slowMessages = 10

function slowDown(store: Store, ms: number): void {
  const update = store.outgoingUpdate.bind(store)
  const counts = new WeakMap<object, number>()
  store.outgoingUpdate = async (client, ...given) => {
    const count = (counts.get(client) ?? 0) + 1
    counts.set(client, count)
    if (count <= slowMessages) await sleep(ms)
    return update(client, ...given)
  }
}

function versionOf(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.resolve(name)))
  for (;;) {
    const manifest = join(folder, 'package.json')
    const { name: found, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string; version?: string }
    if (found === name && version !== undefined) return version
    folder = dirname(folder)
  }
}
