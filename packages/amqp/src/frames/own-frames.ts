import type { ChannelModel } from 'amqplib'
import { worksLike } from './alike.ts'
import { FrameReader } from './frame-reader.ts'
import { maxCopiedBytes, PublishFrames } from './publish-frames.ts'
import { basicPublish, type Wire } from './wire.ts'

/**
 * Has the frames of messages read and written here instead of by amqplib, which makes fifteen buffers and views per message that nobody needs (decision 0019).
 * Only where both make the same of an example: false if they don't, and then everything stays amqplib's.
 */
export function useOwnFrames({ connection }: Pick<ChannelModel, 'connection'>): boolean {
  const wire = connection as unknown as Wire
  if (!worksLike(wire)) return false
  const reader = new FrameReader(wire)
  wire.recvFrame = () => reader.next()
  wire.sendMessage = sendMessage(wire)
  return true
}

function sendMessage(wire: Wire): Wire['sendMessage'] {
  const theirs = wire.sendMessage
  const frames = new PublishFrames()
  return (channel, method, fields, header, properties, content) => {
    const encoded = method === basicPublish && Buffer.isBuffer(content) ? frames.encode(channel, properties, content) : undefined
    if (encoded === undefined) return theirs.call(wire, channel, method, fields, header, properties, content)
    wire.sentSinceLastCheck = true
    const writable = (wire.channels[channel] as Wire['channels'][number]).buffer.write(encoded)
    return content.length > maxCopiedBytes ? wire.sendContent(channel, content) : writable
  }
}
