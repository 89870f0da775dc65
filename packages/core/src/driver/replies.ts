import type { Incoming } from './receiver.ts'
import type { Outgoing, SendResult } from './sender.ts'

/** Request-reply over a broker: a reply address of this process, and sending to the address of another. */
export interface Replies {
  /** Opens this process's reply address; called once before the first request. Replies are pushed at most once each. */
  open(deliver: (reply: Incoming) => void): Promise<string>
  /** Sends one reply to `address`; a vanished requester answers `ERR_UNROUTABLE` where the broker can tell. Never rejects. */
  send(address: string, reply: Outgoing): Promise<SendResult>
  close(): Promise<void>
}
