/** Limits of MQTT. Brokers set lower ones. */
export const limits = {
  /** Of what follows a packet's fixed header. */
  packetBytes: 268_435_455,
  /** The fixed header at its longest: type and length. */
  fixedHeaderBytes: 5,
  /** Of a topic, and of every other text. */
  textBytes: 65_535,
  timeToLiveMs: 4_294_967_295_000,
  /** Messages in flight: packet identifiers have 16 bits. */
  inFlight: 65_535,
  /** As seconds; it means "never". */
  sessionExpiryNever: 4_294_967_295,
} as const
