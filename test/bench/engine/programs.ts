import type { AmqpJob, AmqpSubject } from '../subjects/amqp-subject.ts'
import type { Sample } from './sample.ts'

/** What runs in a process of its own. Each loads only the client that it measures. */
const programs = {
  'busbar-amqp': async () => amqpProgram((await import('../subjects/busbar-amqp.ts')).busbarAmqp),
  'raw-amqplib': async () => amqpProgram((await import('../subjects/raw-amqplib.ts')).rawAmqplib),
  'rabbitmq-client': async () => amqpProgram((await import('../subjects/rabbitmq-client.ts')).rabbitmqClient),
  'cloudamqp-client': async () => amqpProgram((await import('../subjects/cloudamqp-client.ts')).cloudamqpClient),
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
