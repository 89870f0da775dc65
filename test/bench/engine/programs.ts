import type { Sample } from './sample.ts'

/** Clients that the shared scenarios run on. Each loads only the client that it measures. */
const subjects = {
  'busbar-amqp': async () => (await import('../subjects/busbar-amqp.ts')).busbarAmqp,
  'raw-amqplib': async () => (await import('../subjects/raw-amqplib.ts')).rawAmqplib,
  'rabbitmq-client': async () => (await import('../subjects/rabbitmq-client.ts')).rabbitmqClient,
  'cloudamqp-client': async () => (await import('../subjects/cloudamqp-client.ts')).cloudamqpClient,
  'busbar-mqtt': async () => (await import('../subjects/busbar-mqtt.ts')).busbarMqtt,
  'raw-mqtt': async () => (await import('../subjects/raw-mqtt.ts')).rawMqtt,
  'raw-mqtt-unlimited': async () => (await import('../subjects/raw-mqtt.ts')).rawMqttUnlimited,
  'raw-mqtt-ack-after': async () => (await import('../subjects/raw-mqtt.ts')).rawMqttAckAfter,
  'busbar-sqs': async () => (await import('../subjects/busbar-sqs.ts')).busbarSqs,
  'raw-sqs': async () => (await import('../subjects/raw-sqs.ts')).rawSqs,
  'busbar-sns': async () => (await import('../subjects/busbar-sns.ts')).busbarSns,
  'raw-sns': async () => (await import('../subjects/raw-sns.ts')).rawSns,
  'squiss-ts': async () => (await import('../subjects/squiss-ts.ts')).squissTs,
  'sqs-consumer': async () => (await import('../subjects/sqs-consumer.ts')).sqsConsumer,
  'sqs-producer': async () => (await import('../subjects/sqs-producer.ts')).sqsProducer,
  'message-queue-toolkit': async () => (await import('../subjects/message-queue-toolkit.ts')).messageQueueToolkit,
  'busbar-kinesis': async () => (await import('../subjects/busbar-kinesis.ts')).busbarKinesis,
  'raw-kinesis': async () => (await import('../subjects/raw-kinesis.ts')).rawKinesis,
  'lifion-kinesis': async () => (await import('../subjects/lifion-kinesis.ts')).lifionKinesis,
} as const satisfies Record<string, () => Promise<unknown>>

/** What else runs in a process of its own. */
const programs = {
  memory: async () => (await import('../subjects/busbar-memory.ts')).runMemory,
  middleware: async () => (await import('../subjects/busbar-middleware.ts')).runMiddleware,
  'held-keys': async () => (await import('../subjects/held-keys.ts')).runHeldKeys,
  'memory-waiting': async () => (await import('../subjects/memory-waiting.ts')).runWaiting,
} as const satisfies Record<string, () => Promise<unknown>>

export type SubjectName = keyof typeof subjects
export type ProgramName = SubjectName | keyof typeof programs

export interface Job {
  readonly program: ProgramName
  readonly options: object
}

export async function runProgram({ program, options }: Job): Promise<Sample> {
  const run = (await (isSubject(program) ? subjectProgram(program) : programs[program]())) as (options: object) => Promise<Sample>
  return run(options)
}

function isSubject(program: ProgramName): program is SubjectName {
  return Object.hasOwn(subjects, program)
}

async function subjectProgram(name: SubjectName): Promise<unknown> {
  const [subject, { runAction }] = await Promise.all([subjects[name](), import('../actions/index.ts')])
  return (work: Parameters<typeof runAction>[1]) => runAction(subject, work)
}
