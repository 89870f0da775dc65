import type { BrokerError, BrokerErrorOptions, ErrorCode } from '@busbar/core/driver'
import { ErrorMapper, type FailedEntry } from './aws-errors.ts'

/** For texts and the `driver` field of errors. */
export const driverName = 'sqs'

/** Of Amazon SQS. */
export const errors: ErrorMapper = new ErrorMapper({
  driver: driverName,
  codes: {
    QueueDoesNotExist: 'ERR_NOT_FOUND',
    NonExistentQueue: 'ERR_NOT_FOUND',
    ResourceNotFound: 'ERR_NOT_FOUND',
    QueueDeletedRecently: 'ERR_CONFLICT',
    QueueNameExists: 'ERR_CONFLICT',
    QueueAlreadyExists: 'ERR_CONFLICT',
    PurgeQueueInProgress: 'ERR_THROTTLED',
    OverLimit: 'ERR_THROTTLED',
    RequestThrottled: 'ERR_THROTTLED',
    TooManyRequests: 'ERR_THROTTLED',
    ReceiptHandleIsInvalid: 'ERR_TOO_LATE',
    MessageNotInflight: 'ERR_TOO_LATE',
    BatchRequestTooLong: 'ERR_TOO_LARGE',
    TooManyEntriesInBatchRequest: 'ERR_INVALID',
    EmptyBatchRequest: 'ERR_INVALID',
    BatchEntryIdsNotDistinct: 'ERR_INVALID',
    InvalidBatchEntryId: 'ERR_INVALID',
    InvalidMessageContents: 'ERR_INVALID',
    InvalidAttributeName: 'ERR_INVALID',
    InvalidAttributeValue: 'ERR_INVALID',
    InvalidAddress: 'ERR_NOT_FOUND',
    UnsupportedOperation: 'ERR_UNSUPPORTED',
    InvalidAction: 'ERR_UNSUPPORTED',
    InternalFailure: 'ERR_UNAVAILABLE',
    InternalError: 'ERR_UNAVAILABLE',
    InternalServerError: 'ERR_UNAVAILABLE',
    ServiceUnavailable: 'ERR_UNAVAILABLE',
  },
  codeOfParameter: (text) => {
    if (/already a task running/i.test(text)) return 'ERR_CONFLICT'
    if (/receipt handle has expired|not available for visibility timeout change/i.test(text)) return 'ERR_TOO_LATE'
    return /must be shorter than/i.test(text) ? 'ERR_TOO_LARGE' : 'ERR_INVALID'
  },
  // After a minute the name is free.
  passes: (name) => name.endsWith('QueueDeletedRecently'),
})

/** Makes an error of this driver. */
export function sqsError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return errors.make(code, message, options)
}

export function configuration(message: string): BrokerError {
  return sqsError('ERR_CONFIGURATION', message)
}

/** Maps what the SDK or the service threw. `doing` begins the text: `Sending to orders`. */
export function toBrokerError(error: unknown, doing: string): BrokerError {
  return errors.toBrokerError(error, doing)
}

/** Maps one entry of `Failed` in the answer to a batch. `SenderFault` tells whether the same entry may succeed later. */
export function entryError(entry: FailedEntry, doing: string): BrokerError {
  return errors.entryError(entry, doing)
}
