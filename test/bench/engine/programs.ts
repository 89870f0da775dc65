import type { AmqpJob, AmqpSubject } from '../subjects/amqp-subject.ts'
import type { MqttJob, MqttSubject } from '../subjects/mqtt-subject.ts'
import type { SqsJob, SqsSubject } from '../subjects/sqs-subject.ts'
import type { Sample } from './sample.ts'

/** What runs in a process of its own. Each loads only the client that it measures. */
const programs = {
  'busbar-amqp': async () => amqpProgram((await import('../subjects/busbar-amqp.ts')).busbarAmqp),
  'raw-amqplib': async () => amqpProgram((await import('../subjects/raw-amqplib.ts')).rawAmqplib),
  'rabbitmq-client': async () => amqpProgram((await import('../subjects/rabbitmq-client.ts')).rabbitmqClient),
  'cloudamqp-client': async () => amqpProgram((await import('../subjects/cloudamqp-client.ts')).cloudamqpClient),
  'busbar-mqtt': async () => mqttProgram((await import('../subjects/busbar-mqtt.ts')).busbarMqtt),
  'raw-mqtt': async () => mqttProgram((await import('../subjects/raw-mqtt.ts')).rawMqtt),
  'raw-mqtt-unlimited': async () => mqttProgram((await import('../subjects/raw-mqtt.ts')).rawMqttUnlimited),
  'raw-mqtt-ack-after': async () => mqttProgram((await import('../subjects/raw-mqtt.ts')).rawMqttAckAfter),
  'busbar-sqs': async () => sqsProgram((await import('../subjects/busbar-sqs.ts')).busbarSqs),
  'raw-sqs': async () => sqsProgram((await import('../subjects/raw-sqs.ts')).rawSqs),
  'busbar-sns': async () => sqsProgram((await import('../subjects/busbar-sns.ts')).busbarSns),
  'raw-sns': async () => sqsProgram((await import('../subjects/raw-sns.ts')).rawSns),
  'squiss-ts': async () => sqsProgram((await import('../subjects/squiss-ts.ts')).squissTs),
  'sqs-consumer': async () => sqsProgram((await import('../subjects/sqs-consumer.ts')).sqsConsumer),
  'sqs-producer': async () => sqsProgram((await import('../subjects/sqs-producer.ts')).sqsProducer),
  'message-queue-toolkit': async () => sqsProgram((await import('../subjects/message-queue-toolkit.ts')).messageQueueToolkit),
  memory: async () => (await import('../subjects/busbar-memory.ts')).runMemory,
  middleware: async () => (await import('../subjects/busbar-middleware.ts')).runMiddleware,
  'held-keys': async () => (await import('../subjects/held-keys.ts')).runHeldKeys,
  'memory-waiting': async () => (await import('../subjects/memory-waiting.ts')).runWaiting,
} as const satisfies Record<string, () => Promise<unknown>>

export type ProgramName = keyof typeof programs

export interface Job {
  readonly program: ProgramName
  readonly options: object
}

export async function runProgram({ program, options }: Job): Promise<Sample> {
  const run = (await programs[program]()) as (options: object) => Promise<Sample>
  return run(options)
}

async function amqpProgram(subject: AmqpSubject): Promise<unknown> {
  const { runAmqp } = await import('../subjects/amqp-subject.ts')
  return (job: AmqpJob) => runAmqp(subject, job)
}

async function mqttProgram(subject: MqttSubject): Promise<unknown> {
  const { runMqtt } = await import('../subjects/mqtt-subject.ts')
  return (job: MqttJob) => runMqtt(subject, job)
}

async function sqsProgram(subject: SqsSubject): Promise<unknown> {
  const { runSqs } = await import('../subjects/sqs-subject.ts')
  return (job: SqsJob) => runSqs(subject, job)
}
