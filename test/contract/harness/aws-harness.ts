import type { ForeignMessage, Harness } from '@busbar/contract-tests'
import { systemClock } from '@busbar/core'
import { needsProxy, proxiedCase } from './proxied-case.ts'

/** A server that speaks the protocols of SQS and SNS. */
export interface AwsServer {
  /** `http://127.0.0.1:4566`: where the server answers. */
  readonly endpoint: string
  /** Default `us-east-1`. */
  readonly region?: string
  /** Default: any. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** For the certificate: `fauxqs 2.4.1`. */
  readonly version: string
  readonly kind: 'emulator' | 'simulator' | 'real'
  /** Of the next batch that is sent to this queue or topic some entries fail, if the server can be told so. */
  readonly failPartOfNextSend?: (name: string) => void
  /** The next batch that is sent to this queue or topic comes late, if the server can be told so. */
  readonly delayNextSend?: (name: string) => void
}

/** What holds for every such server. */
export const awsSurroundings: Pick<Harness, 'clock' | 'random' | 'bounds'> = {
  clock: systemClock,
  random: Math.random,
  bounds: { arrivalMs: 8_000, quietMs: 700, reconnectMs: 15_000, longestWaitMs: 8_000, caseMs: 90_000 },
}

/** Names of this run, on a server that may outlive it. */
const run = `${process.pid}-${Date.now().toString(36)}`
let names = 0

export function uniqueName(prefix: string, fifo: boolean): string {
  return `${prefix}-${run}-${++names}${fifo ? '.fifo' : ''}`
}

export interface ClientOptions {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export function clientOptions({ endpoint, region = 'us-east-1', credentials = { accessKeyId: 'test', secretAccessKey: 'test' } }: AwsServer): ClientOptions {
  return { endpoint, region, credentials }
}

/** Leases and waits are short: a receive that is aborted lives on in some servers, and what it takes is hidden for a lease. */
export function driverOptions(
  server: AwsServer,
  endpoint: string,
): ClientOptions & Record<'visibilityTimeoutMs' | 'waitTimeMs' | 'retryMaxMs' | 'timeoutMs', number> {
  return { ...clientOptions(server), endpoint, visibilityTimeoutMs: 2_000, waitTimeMs: 1_000, retryMaxMs: 500, timeoutMs: 5_000 }
}

/** `make` gives the harness whose drivers connect to an endpoint. Every case connects through a proxy of its own, so that its faults are its own. */
export function awsHarness(server: AwsServer, make: (endpoint: string) => Harness): Harness {
  const withFaults = (endpoint: string): Harness => {
    const harness = make(endpoint)
    return { ...harness, faults: { ...needsProxy, ...harness.faults, ...faultsOf(server) } }
  }
  return {
    ...withFaults(server.endpoint),
    forCase: () => proxiedCase(Number(new URL(server.endpoint).port), (proxy) => withFaults(proxy.through(server.endpoint))),
  }
}

function faultsOf(server: AwsServer): Pick<NonNullable<Harness['faults']>, 'failPartOfNextSend' | 'delayNextSend'> {
  const { failPartOfNextSend, delayNextSend } = server
  return {
    ...(failPartOfNextSend && { failPartOfNextSend: async (name) => failPartOfNextSend(name) }),
    ...(delayNextSend && { delayNextSend: async (name) => delayNextSend(name) }),
  }
}

/** As a plain client sends it. */
export function foreignText(body: ForeignMessage['body']): string {
  return typeof body === 'string' ? body : Buffer.from(body).toString('base64')
}

/** No client can send an attribute without a value. */
export function foreignAttributes(
  body: ForeignMessage['body'],
  headers: ForeignMessage['headers'] = {},
): Record<string, { readonly DataType: 'String'; readonly StringValue: string }> {
  const attributes = Object.entries({ ...headers, ...(typeof body !== 'string' && { 'busbar-encoding': 'base64' }) }).filter(([, value]) => value !== '')
  return Object.fromEntries(attributes.map(([name, value]) => [name, { DataType: 'String', StringValue: value }]))
}
