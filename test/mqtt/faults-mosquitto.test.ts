import { onMosquitto } from './support/beds.ts'
import { faultCases } from './support/fault-cases.ts'

await onMosquitto(faultCases)
