import type { IConnackPacket } from 'mqtt'
import type { BrokerFacts } from '../capabilities.ts'
import { limits } from '../limits.ts'

/** What CONNACK says. What it leaves out has the standard's default; MQTT 3.1.1 has no place for any of it. */
export function factsOf({ properties = {} }: IConnackPacket, protocolVersion: 5 | 4): BrokerFacts {
  const { maximumQoS, receiveMaximum } = properties
  return {
    maximumQoS: maximumQoS === 0 || maximumQoS === 1 ? maximumQoS : 2,
    retainAvailable: properties.retainAvailable ?? true,
    wildcardsAvailable: properties.wildcardSubscriptionAvailable ?? true,
    sharedAvailable: properties.sharedSubscriptionAvailable ?? true,
    receiveMaximum: protocolVersion === 5 ? (receiveMaximum ?? limits.inFlight) : limits.inFlight,
    maximumPacketBytes: properties.maximumPacketSize,
    sessionExpirySeconds: properties.sessionExpiryInterval,
  }
}
