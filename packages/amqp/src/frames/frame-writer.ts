import { maxCopiedBytes, PublishFrames } from './publish-frames.ts'
import { TurnWriter } from './turn-writer.ts'
import { basicPublish, type Wire } from './wire.ts'

/**
 * What takes the place of amqplib's `sendMessage`. `wire.sendMessage` must still be amqplib's: it is asked for what is not encoded here. `onQueued` is called for every
 * message that waits in amqplib's queue of its channel.
 */
export function frameWriter(wire: Wire, onQueued: () => void): Wire['sendMessage'] {
  const theirs = wire.sendMessage
  const frames = new PublishFrames()
  const turns = new TurnWriter(wire)
  return (channel, method, fields, header, properties, content) => {
    const encoded = method === basicPublish && Buffer.isBuffer(content) ? frames.encode(channel, properties, content) : undefined
    if (encoded !== undefined) wire.sentSinceLastCheck = true
    if (encoded !== undefined && content.length <= maxCopiedBytes && turns.write(channel, encoded)) return true
    onQueued()
    if (encoded === undefined) return theirs.call(wire, channel, method, fields, header, properties, content)
    const { buffer } = wire.channels[channel] as Wire['channels'][number]
    const writable = buffer.write(encoded)
    return content.length > maxCopiedBytes ? wire.sendContent(channel, content) : writable
  }
}
