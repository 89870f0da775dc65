/**
 * Messages that others put into queues of SQS: what SNS, S3, EventBridge and API Gateway send, checked and typed.
 *
 * @module
 */
export { parseApiGatewayForm, parseApiGatewayRequest, type ApiGatewayFormOptions, type ApiGatewayRequest, type ApiGatewayValues } from './api-gateway.ts'
export { parseEventBridgeEvent, type EventBridgeEvent } from './event-bridge-event.ts'
export { parseS3Event, type S3Event, type S3Record, type S3TestEvent } from './s3-event.ts'
export { parseSnsMessage, parseSnsNotification, type SnsAttribute, type SnsConfirmation, type SnsNotification, type SnsSignature } from './sns-message.ts'
