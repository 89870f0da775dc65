import { versionsToExamine } from '../../brokers/index.ts'
import { onRabbitmq } from './on-rabbitmq.ts'

for (const version of versionsToExamine) await onRabbitmq(version)
