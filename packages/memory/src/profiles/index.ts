import { full } from './full.ts'
import type { Profile, ProfileName } from './profile.ts'

export const profiles: Readonly<Record<ProfileName, Profile>> = { full, 'sqs-standard': full, 'sqs-fifo': full, sns: full, kinesis: full, rabbitmq: full, mqtt: full }
