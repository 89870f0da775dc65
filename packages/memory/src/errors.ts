import { BrokerError, type BrokerErrorOptions, type ErrorCode } from '@busbar/core/driver'

/** An error of this driver. */
export function memoryError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return new BrokerError(code, message, { ...options, driver: 'memory' })
}
