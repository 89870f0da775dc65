/**
 * RabbitMQ and Amazon MQ for RabbitMQ for Busbar, on amqplib.
 *
 * @module
 */
export { amqp, type AmqpNative } from './amqp-driver.ts'
export { murmur3, partitionOf } from './hash.ts'
export type { AmqpOptions, AmqpTlsOptions } from './options.ts'
export { repartition, type RepartitionOptions } from './repartition.ts'
export type { AmqpRouteOptions } from './route-options.ts'
