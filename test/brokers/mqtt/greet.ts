import { connect } from 'mqtt'
import type { IClientOptions, MqttClient } from 'mqtt'
import { credentialsIn, withoutCredentials } from './credentials.ts'

/**
 * Connects once and gives the client; rejects when the broker refuses or does not answer within 2 s. Whoever calls it ends the client.
 * `prepare` is where to listen for messages: those of a session that is resumed can come before this resolves.
 */
export async function connectOnce(url: string, options: IClientOptions = {}, prepare: (client: MqttClient) => void = () => {}): Promise<MqttClient> {
  const client = connect(withoutCredentials(url), { reconnectPeriod: 0, connectTimeout: 2_000, ...credentialsIn(url), ...options })
  prepare(client)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  client.once('connect', () => resolve())
  client.once('close', () => reject(new Error('the connection was closed before the broker answered')))
  // It stays: errors that come later have no other listener.
  client.on('error', reject)
  try {
    await promise
    return client
  } catch (error) {
    client.end(true)
    throw error
  }
}

/** What the broker says on a topic that it retains, within 2 s. */
export async function retainedText(client: MqttClient, topic: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const timer = setTimeout(() => resolve(undefined), 2_000)
  client.once('message', (_topic, payload) => resolve(payload.toString()))
  await client.subscribeAsync(topic)
  const text = await promise
  clearTimeout(timer)
  return text
}
