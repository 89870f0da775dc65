import { WireError } from './wire-error.ts'

const queueService = 'AWS.SimpleQueueService.'

/** Errors that SDKs know by name, with their legacy codes and HTTP statuses, as the models of `@aws-sdk/client-sqs` and `-sns` 3.1169.0 give them; and those of all services. */
const known = {
  BatchEntryIdsNotDistinct: [`${queueService}BatchEntryIdsNotDistinct`, 400],
  BatchRequestTooLong: [`${queueService}BatchRequestTooLong`, 400],
  EmptyBatchRequest: [`${queueService}EmptyBatchRequest`, 400],
  InvalidAddress: ['InvalidAddress', 404],
  InvalidAttributeName: ['InvalidAttributeName', 400],
  InvalidAttributeValue: ['InvalidAttributeValue', 400],
  InvalidBatchEntryId: [`${queueService}InvalidBatchEntryId`, 400],
  InvalidMessageContents: ['InvalidMessageContents', 400],
  InvalidSecurity: ['InvalidSecurity', 403],
  KmsAccessDenied: ['KMS.AccessDeniedException', 400],
  KmsDisabled: ['KMS.DisabledException', 400],
  KmsInvalidKeyUsage: ['KMS.InvalidKeyUsageException', 400],
  KmsInvalidState: ['KMS.InvalidStateException', 400],
  KmsNotFound: ['KMS.NotFoundException', 400],
  KmsOptInRequired: ['KMS.OptInRequired', 403],
  KmsThrottled: ['KMS.ThrottlingException', 400],
  MessageNotInflight: [`${queueService}MessageNotInflight`, 400],
  OverLimit: ['OverLimit', 403],
  PurgeQueueInProgress: [`${queueService}PurgeQueueInProgress`, 403],
  QueueDeletedRecently: [`${queueService}QueueDeletedRecently`, 400],
  QueueDoesNotExist: [`${queueService}NonExistentQueue`, 400],
  QueueNameExists: ['QueueAlreadyExists', 400],
  ReceiptHandleIsInvalid: ['ReceiptHandleIsInvalid', 404],
  RequestThrottled: ['RequestThrottled', 403],
  ResourceNotFoundException: ['ResourceNotFoundException', 404],
  TooManyEntriesInBatchRequest: [`${queueService}TooManyEntriesInBatchRequest`, 400],
  UnsupportedOperation: [`${queueService}UnsupportedOperation`, 400],
  AuthorizationError: ['AuthorizationError', 403],
  FilterPolicyLimitExceeded: ['FilterPolicyLimitExceeded', 403],
  KMSThrottling: ['KMSThrottling', 400],
  NotFound: ['NotFound', 404],
  SubscriptionLimitExceeded: ['SubscriptionLimitExceeded', 403],
  Throttled: ['Throttled', 429],
  TopicLimitExceeded: ['TopicLimitExceeded', 403],
  AccessDenied: ['AccessDenied', 403],
  InvalidClientTokenId: ['InvalidClientTokenId', 403],
  MissingAuthenticationToken: ['MissingAuthenticationToken', 403],
  InternalError: ['InternalError', 500],
  InternalFailure: ['InternalFailure', 500],
  ServiceUnavailable: ['ServiceUnavailable', 503],
} as const satisfies Readonly<Record<string, readonly [string, number]>>

/** An error by its name; one that no list knows has its name as legacy code and status 400. */
export function serviceError(name: string, message: string = `${name}, scripted`): WireError {
  const [legacyCode, status] = Object.hasOwn(known, name) ? known[name as keyof typeof known] : ([name, 400] as const)
  return new WireError(name, message, legacyCode, status, status >= 500 ? 'Receiver' : 'Sender')
}

export function queueDoesNotExist(): WireError {
  return serviceError('QueueDoesNotExist', 'The specified queue does not exist.')
}
