/**
 * Messages that others put into queues of SQS: what SNS, S3, EventBridge and API Gateway send, checked and typed.
 *
 * @module
 */
export { parseSnsMessage, parseSnsNotification, type SnsAttribute, type SnsConfirmation, type SnsNotification, type SnsSignature } from './sns-message.ts'
