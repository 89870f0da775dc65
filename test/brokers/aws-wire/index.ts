export type { WireFault, WireFaultHandle, WireFaultRule } from './faults.ts'
export type { WireLimits } from './limits.ts'
export { startAwsWire } from './start.ts'
export type { AwsWire, AwsWireOptions, WireProfile } from './start.ts'
