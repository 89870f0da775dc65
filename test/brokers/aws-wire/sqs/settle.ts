import type { SettleResult } from '@busbar/core/driver'
import { invalid, missing, optionalInteger, text, type Input } from '../input.ts'
import type { WireError } from '../wire-error.ts'
import { batchEntries, eachEntry } from './batch.ts'
import { queueOf, type SqsAction } from './call.ts'
import type { WireQueue } from './wire-queue.ts'

const maxVisibilitySeconds = 43_200

export const deleteMessage: SqsAction = (call) => {
  remove(queueOf(call), text(call.input, 'ReceiptHandle'))
  return {}
}

export const deleteMessageBatch: SqsAction = (call) => {
  const queue = queueOf(call)
  return eachEntry(batchEntries(call.input, 'DeleteMessageBatchRequestEntry'), (entry) => {
    remove(queue, text(entry, 'ReceiptHandle'))
    return {}
  })
}

export const changeMessageVisibility: SqsAction = (call) => {
  changeVisibility(queueOf(call), call.input)
  return {}
}

export const changeMessageVisibilityBatch: SqsAction = (call) => {
  const queue = queueOf(call)
  return eachEntry(batchEntries(call.input, 'ChangeMessageVisibilityBatchRequestEntry'), (entry) => {
    changeVisibility(queue, entry)
    return {}
  })
}

/** Deleting again succeeds. A receipt that has expired fails on FIFO queues; on standard queues it succeeds, and has an effect if nobody has received the message since. */
function remove(queue: WireQueue, handle: string): void {
  queue.catchUp()
  const delivery = queue.receipts.find(handle)
  if (delivery === undefined) return
  const result = queue.queue.settle({ delivery, action: 'ack' }, queue.port, now(queue))
  if (result === 'too-late' && queue.fifo) throw expired(handle)
  if (result !== 'too-late') queue.receipts.forget(delivery)
  queue.queue.wake()
}

/** On a standard queue a receipt that has expired stands for its message: it hides it again, or changes the receive that came after. */
function changeVisibility(queue: WireQueue, input: Input): void {
  const handle = text(input, 'ReceiptHandle')
  const seconds = optionalInteger(input, 'VisibilityTimeout', 0, maxVisibilitySeconds)
  if (seconds === undefined) throw missing('VisibilityTimeout')
  queue.catchUp()
  const known = queue.receipts.find(handle)
  if (known === undefined || known.message.state === 'gone') throw notAvailable(handle)
  if (!known.live && queue.fifo) throw expired(handle)
  const delivery = queue.receipts.latest(known)
  if (seconds > 0) {
    const ms = seconds * 1_000
    const result = delivery.live ? queue.queue.extend(delivery, ms, now(queue)) : queue.queue.reclaim(delivery, ms, now(queue))
    if (isRefused(result)) throw invalid('VisibilityTimeout', seconds, 'Total VisibilityTimeout for the message is beyond the limit [43200 seconds].')
  } else if (delivery.live) queue.queue.settle({ delivery, action: 'release' }, queue.port, now(queue))
  queue.queue.wake()
}

function isRefused(result: SettleResult): boolean {
  return typeof result === 'object'
}

function now(queue: WireQueue): number {
  return queue.queue.world.clock.monotonic()
}

function expired(handle: string): WireError {
  return invalid('ReceiptHandle', handle, 'The receipt handle has expired.')
}

function notAvailable(handle: string): WireError {
  return invalid('ReceiptHandle', handle, 'Message does not exist or is not available for visibility timeout change.')
}
