/** What the driver needs of the client library's packets; a structural part of its types. */
export interface ReceivedPacket {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: 0 | 1 | 2
  readonly dup: boolean
  readonly retain: boolean
  readonly messageId?: number | undefined
  readonly properties?: PublishProperties | undefined
}

/** Properties of PUBLISH in MQTT 5. */
export interface PublishProperties {
  payloadFormatIndicator?: boolean
  messageExpiryInterval?: number
  responseTopic?: string
  correlationData?: Buffer
  contentType?: string
  userProperties?: Record<string, string | string[]>
}

/** A message as it is published. */
export interface Publication {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
}
