import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { Address } from '../address.ts'
import type { ResolvedOptions } from '../options.ts'
import type { KeepAliveTimer } from './keep-alive-timer.ts'

/** What a connection is for. */
export interface ClientRequest {
  readonly clientId: string
  /** The session outlives the connection. */
  readonly persistent: boolean
  /** Messages that the broker may have sent and not seen acked; MQTT 5. */
  readonly receiveMaximum?: number
  /** Published and kept by the broker if the connection ends without a good-bye. */
  readonly will?: { readonly topic: string; readonly payload: string }
}

/** A client of the library that is not connected yet, and never reconnects by itself: a connection that is lost is never used again, so that nothing of it can reach the next one. */
export function createClient(address: Address, request: ClientRequest, options: ResolvedOptions, timer: KeepAliveTimer): MqttClient {
  const { clientId, persistent, receiveMaximum, will } = request
  const client: IClientOptions = {
    protocol: address.scheme,
    host: address.host,
    port: address.port,
    protocolVersion: options.protocolVersion,
    clientId,
    clean: !persistent,
    keepalive: options.keepaliveMs / 1_000,
    connectTimeout: options.timeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    manualConnect: true,
    timerVariant: timer,
  }
  if (address.scheme === 'ws' || address.scheme === 'wss') {
    client.path = address.path
    // It becomes a part of a URL.
    if (address.host.includes(':')) client.host = `[${address.host}]`
  }
  if (address.username !== undefined) client.username = address.username
  if (address.password !== undefined) client.password = address.password
  if (will !== undefined) client.will = { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true }
  if (options.protocolVersion === 5) {
    client.properties = {
      sessionExpiryInterval: persistent ? options.sessionExpirySeconds : 0,
      ...(receiveMaximum === undefined ? {} : { receiveMaximum }),
    }
  }
  return connect({ ...client, ...(address.secure ? (options.tls as IClientOptions) : {}) })
}
