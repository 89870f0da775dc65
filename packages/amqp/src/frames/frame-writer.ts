import { maxCopiedBytes, PublishFrames } from './publish-frames.ts'
import { TurnWriter } from './turn-writer.ts'
import { basicPublish, type Wire } from './wire.ts'

/** What takes the place of amqplib's `sendMessage`. `wire.sendMessage` must still be amqplib's: it is asked for what is not encoded here. */
export function frameWriter(wire: Wire): Wire['sendMessage'] {
  const theirs = wire.sendMessage
  const frames = new PublishFrames()
  const turns = new TurnWriter(wire)
  return (channel, method, fields, header, properties, content) => {
    const encoded = method === basicPublish && Buffer.isBuffer(content) ? frames.encode(channel, properties, content) : undefined
    if (encoded === undefined) return theirs.call(wire, channel, method, fields, header, properties, content)
    wire.sentSinceLastCheck = true
    if (content.length <= maxCopiedBytes) return turns.write(channel, encoded)
    const { buffer } = wire.channels[channel] as Wire['channels'][number]
    buffer.write(encoded)
    return wire.sendContent(channel, content)
  }
}
