import { onRabbitmq } from './on-rabbitmq.ts'

await onRabbitmq('4.0')
