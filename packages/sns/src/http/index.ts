/**
 * What SNS delivers by HTTP: a handler from `Request` to `Response` that verifies where messages come from.
 *
 * @module
 */
export { snsHttpHandler, type SnsHttpHandler, type SnsHttpOptions } from './handler.ts'
export type { SignatureVersion } from './signature.ts'
export type { SnsConfirmation, SnsNotification } from '@busbar/sqs/foreign'
