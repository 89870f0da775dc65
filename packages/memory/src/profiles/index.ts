import { full } from './full.ts'
import { kinesis } from './kinesis.ts'
import { mqtt } from './mqtt.ts'
import type { Profile, ProfileName } from './profile.ts'
import { rabbitmq } from './rabbitmq.ts'
import { sns } from './sns.ts'
import { sqsFifo, sqsStandard } from './sqs.ts'

export const profiles: Readonly<Record<ProfileName, Profile>> = { full, 'sqs-standard': sqsStandard, 'sqs-fifo': sqsFifo, sns, kinesis, rabbitmq, mqtt }
