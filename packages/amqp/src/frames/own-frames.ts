import type { ChannelModel } from 'amqplib'
import { worksLike } from './alike.ts'
import { FrameReader } from './frame-reader.ts'
import { frameWriter } from './frame-writer.ts'
import type { Wire } from './wire.ts'

/**
 * Has the frames of messages read and written here instead of by amqplib, which makes fifteen buffers and views per message that nobody needs (decision 0019).
 * Only where both do the same with examples: false if they don't, and then everything stays amqplib's. `onQueued` is called for every message that is not written at once.
 */
export function useOwnFrames({ connection }: Pick<ChannelModel, 'connection'>, onQueued: () => void): boolean {
  const wire = connection as unknown as Wire
  if (!worksLike(wire)) return false
  const reader = new FrameReader(wire)
  wire.recvFrame = () => reader.next()
  wire.sendMessage = frameWriter(wire, onQueued)
  return true
}
