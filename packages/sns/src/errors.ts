import { ErrorMapper } from '@busbar/sqs/shared'
import type { BrokerError, BrokerErrorOptions, ErrorCode } from '@busbar/core/driver'

/** For texts and the `driver` field of errors. */
export const driverName = 'sns'

/** Of Amazon SNS. What befalls the queues of subscriptions is an error of SQS. */
export const errors: ErrorMapper = new ErrorMapper({
  driver: driverName,
  codes: {
    NotFound: 'ERR_NOT_FOUND',
    ResourceNotFound: 'ERR_NOT_FOUND',
    AuthorizationError: 'ERR_ACCESS_DENIED',
    InvalidState: 'ERR_CONFLICT',
    ConcurrentAccess: 'ERR_THROTTLED',
    TopicLimitExceeded: 'ERR_CONFLICT',
    SubscriptionLimitExceeded: 'ERR_CONFLICT',
    FilterPolicyLimitExceeded: 'ERR_CONFLICT',
    EndpointDisabled: 'ERR_UNROUTABLE',
    PlatformApplicationDisabled: 'ERR_UNROUTABLE',
    OptedOut: 'ERR_UNROUTABLE',
    BatchRequestTooLong: 'ERR_TOO_LARGE',
    TooManyEntriesInBatchRequest: 'ERR_INVALID',
    EmptyBatchRequest: 'ERR_INVALID',
    BatchEntryIdsNotDistinct: 'ERR_INVALID',
    InvalidBatchEntryId: 'ERR_INVALID',
    Validation: 'ERR_INVALID',
    InvalidAction: 'ERR_UNSUPPORTED',
    InternalFailure: 'ERR_UNAVAILABLE',
    InternalError: 'ERR_UNAVAILABLE',
    ServiceUnavailable: 'ERR_UNAVAILABLE',
  },
  codeOfParameter: (text) => (/message too long/i.test(text) ? 'ERR_TOO_LARGE' : 'ERR_INVALID'),
})

/** Makes an error of this driver. */
export function snsError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return errors.make(code, message, options)
}

export function configuration(message: string): BrokerError {
  return snsError('ERR_CONFIGURATION', message)
}
