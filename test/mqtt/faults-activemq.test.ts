import { onActivemq } from './support/beds.ts'
import { faultCases } from './support/fault-cases.ts'

await onActivemq(faultCases)
