import type { Target } from '../target.ts'
import { amqpFrameTargets } from './amqp-frames.ts'
import { amqpTargets } from './amqp-message.ts'
import { codecTargets } from './codecs.ts'
import { configurationTargets } from './configuration.ts'
import { decryptionTargets } from './decryption.ts'
import { driverTargets, storeTargets } from './driver-options.ts'
import { errorTargets } from './errors.ts'
import { filterTargets } from './filters.ts'
import { foreignTargets } from './foreign-events.ts'
import { headerTargets } from './headers.ts'
import { kinesisAnswerTargets } from './kinesis-answer.ts'
import { kinesisTargets } from './kinesis-record.ts'
import { middlewareTargets } from './middleware.ts'
import { mqttTargets } from './mqtt-message.ts'
import { snsHttpTargets } from './sns-http.ts'
import { sqsTargets } from './sqs-message.ts'
import { storedTargets } from './stores.ts'

/** Everything that reads what comes from outside. */
export const targets: readonly Target[] = [
  ...codecTargets,
  ...headerTargets,
  ...filterTargets,
  ...configurationTargets,
  ...driverTargets,
  ...storeTargets,
  ...amqpTargets,
  ...amqpFrameTargets,
  ...sqsTargets,
  ...foreignTargets,
  ...snsHttpTargets,
  ...kinesisTargets,
  ...kinesisAnswerTargets,
  ...mqttTargets,
  ...storedTargets,
  ...middlewareTargets,
  ...decryptionTargets,
  ...errorTargets,
]
