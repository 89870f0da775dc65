/** Stops a consumer while what its handlers depend on is down. */
export { circuitBreaker, type CircuitBreaker, type CircuitBreakerOptions, type CircuitChange, type CircuitState } from './circuit-breaker.ts'
