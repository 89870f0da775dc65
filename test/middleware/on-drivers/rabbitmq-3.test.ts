import { onRabbitmq } from './on-rabbitmq.ts'

await onRabbitmq('3.10')
