import { makePlan, type Planned } from '../broker/plan.ts'
import type { BrokerOptions } from '../broker/types.ts'
import type { AnyDefinition } from '../definitions/types.ts'
import type { Driver } from './driver.ts'
import type { Endpoint } from './endpoint.ts'

/** One endpoint that a program needs. */
export interface PlannedEndpoint {
  readonly driver: Driver
  readonly endpoint: Endpoint
  /** `undefined`: a place for dead letters. */
  readonly definition: AnyDefinition | undefined
  /** Of a source: where its dead letters go. */
  readonly deadLetter: PlannedEndpoint | undefined
}

/** What a broker with these options needs of its drivers, for tools; connects to nothing. Throws `ERR_CONFIGURATION` as `createBroker`. */
export function endpointsOf(options: BrokerOptions): readonly PlannedEndpoint[] {
  return makePlan(options).all.map(told)
}

function told({ driver, endpoint, definition, deadLetter }: Planned): PlannedEndpoint {
  return { driver, endpoint, definition, deadLetter: typeof deadLetter === 'object' ? told(deadLetter) : undefined }
}
