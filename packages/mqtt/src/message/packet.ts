/** What the driver needs of the client library's packets; a structural part of its types. */
export interface ReceivedPacket {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: 0 | 1 | 2
  readonly dup: boolean
  readonly retain: boolean
  readonly messageId?: number | undefined
  readonly properties?: ReceivedProperties | undefined
}

/** Properties of PUBLISH in MQTT 5 that are there once. */
interface SingleProperties {
  payloadFormatIndicator?: boolean
  messageExpiryInterval?: number
  responseTopic?: string
  correlationData?: Buffer
  contentType?: string
}

/** As the client library reads them. */
export interface ReceivedProperties extends SingleProperties {
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
}

/** As they are written. */
export interface PublishProperties extends SingleProperties {
  readonly userProperties: readonly UserProperty[]
}

/** Names may come more than once. */
export type UserProperty = readonly [name: string, value: string]

/** A message as it is published. */
export interface Publication {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
}
