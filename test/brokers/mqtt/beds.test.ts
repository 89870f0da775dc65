import type { IClientOptions, MqttClient } from 'mqtt'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { makeCertificates } from '../core/certificates.ts'
import { findMosquittoClients, skipOrFail, startActivemq, startAedes, startMosquitto, startProxy } from '../index.ts'
import { connectOnce } from './greet.ts'

const onProgress = (text: string): void => console.log(text)
const { ca, server, client } = makeCertificates()
const users = { alice: 'a:b/c', bob: 'b' }
const acl = ['user alice', 'topic readwrite open/#']

const [mosquitto, guardedMosquitto, activemq, clients, aedes] = await Promise.all([
  startMosquitto({ own: true, onProgress }).then(skipOrFail),
  startMosquitto({ users, acl, tls: { ca, ...server, clientCertificates: true } }).then(skipOrFail),
  startActivemq({ users, connector: { 'transport.activeMQSubscriptionPrefetch': 5 }, onProgress }).then(skipOrFail),
  findMosquittoClients().then(skipOrFail),
  startAedes(),
])
afterAll(async () => {
  await Promise.all([mosquitto, guardedMosquitto, activemq, aedes].map(async (bed) => bed?.[Symbol.asyncDispose]()))
})

interface Connection {
  readonly client: MqttClient
  readonly texts: string[]
}

const connections: Connection[] = []
afterEach(() => {
  for (const { client: each } of connections.splice(0)) each.end(true)
})

async function connected(url: string, options: IClientOptions = {}): Promise<Connection> {
  const texts: string[] = []
  const listen = (made: MqttClient): void => void made.on('message', (_topic, payload) => texts.push(payload.toString()))
  const connection = { client: await connectOnce(url, { protocolVersion: 4, ...options }, listen), texts }
  connections.push(connection)
  return connection
}

async function send(url: string, topic: string, ...texts: string[]): Promise<void> {
  const sender = await connected(url)
  for (const text of texts) await sender.client.publishAsync(topic, text, { qos: 1 })
}

/** What a persistent session finds that was away while something happened. */
async function afterAbsence(url: string, clientId: string, meanwhile: () => Promise<void>): Promise<Connection> {
  const before = await connected(url, { clientId, clean: false })
  await before.client.subscribeAsync(`${clientId}/#`, { qos: 1 })
  await before.client.endAsync()
  await meanwhile()
  return connected(url, { clientId, clean: false })
}

function expectTexts({ texts }: Connection, ...expected: string[]): Promise<void> {
  return vi.waitFor(() => expect(texts).toEqual(expected), { timeout: 5_000 })
}

describe.skipIf(mosquitto === undefined)('mosquitto', () => {
  const bed = mosquitto as NonNullable<typeof mosquitto>

  it('is of version 2.0 and speaks MQTT 5 and 3.1.1', async () => {
    expect(bed.version).toMatch(/^2\.0\./)
    for (const protocolVersion of [4, 5] as const) {
      const both = await connected(bed.url, { protocolVersion })
      await both.client.subscribeAsync('versions')
      await both.client.publishAsync('versions', String(protocolVersion), { qos: 1 })
      await expectTexts(both, String(protocolVersion))
    }
  })

  it('is reached by WebSocket', async () => {
    await connected(bed.webSocketUrl as string, { protocolVersion: 5 })
  })

  it('keeps sessions and messages when it is stopped and started', async () => {
    const back = await afterAbsence(bed.url, 'stopped', async () => {
      await send(bed.url, 'stopped/1', 'one', 'two')
      await bed.stop()
      await expect(connected(bed.url)).rejects.toThrow()
      await bed.start()
    })
    await expectTexts(back, 'one', 'two')
  })

  it('loses by a kill what came after its last snapshot, and nothing else', async () => {
    const back = await afterAbsence(bed.url, 'killed', async () => {
      await send(bed.url, 'killed/1', 'saved')
      await bed.save()
      await send(bed.url, 'killed/1', 'lost')
      await bed.kill()
      await bed.start()
    })
    await send(bed.url, 'killed/1', 'later')
    await expectTexts(back, 'saved', 'later')
  })

  it('does not answer while paused', async () => {
    await bed.pause()
    await expect(connected(bed.url, { connectTimeout: 300 })).rejects.toThrow()
    await bed.resume()
    await send(bed.url, 'after-pause', 'x')
  })

  it('goes silent behind a frozen proxy, so that only keepalive tells', async () => {
    await using proxy = await startProxy(Number(new URL(bed.url).port))
    const { client: frozen } = await connected(proxy.through(bed.url), { keepalive: 1 })
    const closed = new Promise<void>((resolve) => frozen.once('close', resolve))
    proxy.freeze('both')
    await closed
    expect(proxy.connections).toBe(1)
  })

  it.skipIf(clients === undefined)('exchanges messages by its command-line clients', async () => {
    const port = new URL(bed.url).port
    const subscribing = clients?.sub('-p', port, '-V', '5', '-q', '1', '-t', 'plain/+', '-C', '1', '-W', '5', '-F', '%t %p')
    const publish = async (): Promise<void> => {
      expect(await clients?.pub('-p', port, '-V', '5', '-q', '1', '-t', 'plain/x', '-m', 'hello')).toMatchObject({ ok: true })
    }
    const again = setInterval(() => void publish(), 200)
    expect(await subscribing).toMatchObject({ ok: true, stdout: 'plain/x hello\n' })
    clearInterval(again)
  })
})

describe.skipIf(guardedMosquitto === undefined)('a guarded mosquitto', () => {
  const bed = guardedMosquitto as NonNullable<typeof guardedMosquitto>

  it('lets in those that have a name and the right password', async () => {
    await connected(bed.url)
    const wrong = new URL(bed.url)
    wrong.password = 'wrong'
    await expect(connected(wrong.href, { protocolVersion: 5 })).rejects.toMatchObject({ code: 135 })
    wrong.username = wrong.password = ''
    await expect(connected(wrong.href, { protocolVersion: 4 })).rejects.toMatchObject({ code: 5 })
  })

  it('refuses topics that are not allowed', async () => {
    const { client: alice } = await connected(bed.url, { protocolVersion: 5 })
    await alice.publishAsync('open/x', 'x', { qos: 1 })
    await expect(alice.publishAsync('closed/x', 'x', { qos: 1 })).rejects.toMatchObject({ code: 135 })
  })

  it('speaks TLS with those that have a certificate', async () => {
    await connected(bed.tlsUrl as string, { ca, ...client })
    await expect(connected(bed.tlsUrl as string, { ca })).rejects.toThrow()
    await expect(connected(bed.tlsUrl as string, client)).rejects.toThrow(/self-signed/)
  })
})

describe.skipIf(activemq === undefined)('ActiveMQ', () => {
  const bed = activemq as NonNullable<typeof activemq>

  it('is of version 5.17, and refuses MQTT 5', async () => {
    expect(bed.version).toMatch(/^5\.17\./)
    await connected(bed.url)
    // By a code, or, where it wants a password, without a word.
    await expect(connected(bed.url, { protocolVersion: 5 })).rejects.toThrow()
  })

  it.each(['kill', 'stop'] as const)('keeps sessions and messages over %s and start', async (end) => {
    const back = await afterAbsence(bed.url, end, async () => {
      await send(bed.url, `${end}/1`, 'one', 'two')
      await bed[end]()
      await expect(connected(bed.url)).rejects.toThrow()
      await bed.start()
    })
    await expectTexts(back, 'one', 'two')
  })

  it('does not answer while paused', async () => {
    await bed.pause()
    await expect(connected(bed.url, { connectTimeout: 300 })).rejects.toThrow()
    await bed.resume()
    await send(bed.url, 'after-pause', 'x')
  })

  it('lets in those that have a name and the right password', async () => {
    const wrong = new URL(bed.url)
    wrong.password = 'wrong'
    await expect(connected(wrong.href)).rejects.toMatchObject({ code: 5 })
  })

  it('has as many messages unacked as its connector is told', async () => {
    const held: string[] = []
    const hold = (made: MqttClient): void => {
      // An error instead of an ack: the next packet comes, and nothing is said to the broker.
      made.handleMessage = ({ payload }, done) => {
        held.push(payload.toString())
        done(new Error('held'))
      }
    }
    const holding = await connectOnce(bed.url, { protocolVersion: 4, clientId: 'holding', clean: false }, hold)
    connections.push({ client: holding, texts: held })
    await holding.subscribeAsync('held', { qos: 1 })
    await send(bed.url, 'held', ...Array.from({ length: 8 }, (_, index) => String(index)))
    await send(bed.url, 'other', 'x')
    await vi.waitFor(() => expect(held).toEqual(['0', '1', '2', '3', '4']))
  })
})

describe('aedes', () => {
  it('speaks MQTT 3.1.1, refuses 5, and says of which version it is', async () => {
    expect(aedes.version).toMatch(/^\d+\.\d+\.\d+$/)
    const both = await connected(aedes.url)
    await both.client.subscribeAsync('x')
    await both.client.publishAsync('x', 'hello')
    await expectTexts(both, 'hello')
    await expect(connected(aedes.url, { protocolVersion: 5 })).rejects.toMatchObject({ code: 1 })
  })

  it('keeps sessions and messages when it is stopped and started', async () => {
    const back = await afterAbsence(aedes.url, 'stopped', async () => {
      await send(aedes.url, 'stopped/1', 'one')
      await aedes.stop()
      await expect(connected(aedes.url)).rejects.toThrow()
      await aedes.start()
    })
    await expectTexts(back, 'one')
  })
})

describe('a broker of the environment', () => {
  it.skipIf(mosquitto === undefined)('is used unless one of our own is asked for, and never ended', async () => {
    vi.stubEnv('BUSBAR_MOSQUITTO_URL', mosquitto?.url)
    try {
      await using given = skipOrFail(await startMosquitto())
      expect(given).toMatchObject({ url: mosquitto?.url, how: 'environment', version: mosquitto?.version, webSocketUrl: undefined })
      for (const act of ['start', 'stop', 'kill', 'pause', 'save'] as const) await expect(given?.[act]()).rejects.toThrow(TypeError)
      await using own = skipOrFail(await startMosquitto({ own: true }))
      expect(own?.how).not.toBe('environment')
    } finally {
      vi.unstubAllEnvs()
    }
    await connected((mosquitto as NonNullable<typeof mosquitto>).url)
  })
})
