/**
 * MQTT 5 and 3.1.1 for Busbar, on MQTT.js.
 *
 * @module
 */
export { retainedHeader } from './message/incoming.ts'
export { mqtt, type MqttNative } from './mqtt-driver.ts'
export type { MqttOptions, MqttTlsOptions } from './options.ts'
export type { MqttRouteOptions } from './route-options.ts'
