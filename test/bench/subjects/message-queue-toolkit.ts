import { MessageHandlerConfigBuilder } from '@message-queue-toolkit/core'
import { AbstractSqsConsumer } from '@message-queue-toolkit/sqs'
import * as z from 'zod'
import type { Meter } from '../engine/meter.ts'
import { client, deletesTaken, perRequest, pollers, type SqsJob, type SqsSubject } from './sqs-subject.ts'

/** The peer as its documentation shows it, with receives of ten by several consumers. It takes JSON with a schema, and deletes messages one by one. */
export const messageQueueToolkit: SqsSubject = { consume }

const Body = z.object({ id: z.string(), type: z.literal('bench'), timestamp: z.string(), note: z.string() })
type Body = z.infer<typeof Body>

interface Context {
  readonly handle: () => Promise<void>
}

class BenchConsumer extends AbstractSqsConsumer<Body, Context> {
  constructor(job: SqsJob, context: Context, onError: (error: unknown) => void) {
    const logger = { level: 'silent', msgPrefix: undefined, ...silent(), child: () => logger, isLevelEnabled: () => false, silent: () => undefined }
    super(
      {
        sqsClient: client(job),
        logger: logger as never,
        errorReporter: { report: ({ error }) => onError(error) },
        consumerErrorResolver: { processError: (error) => error as never },
        transactionObservabilityManager: {
          start: () => undefined,
          startWithGroup: () => undefined,
          stop: () => undefined,
          addCustomAttributes: () => undefined,
        },
      },
      {
        messageTypeResolver: { messageTypePath: 'type' },
        handlers: new MessageHandlerConfigBuilder<Body, Context>()
          .addConfig(Body, async (_message, { handle }) => {
            await handle()
            return { result: 'success' }
          })
          .build(),
        locatorConfig: { queueUrl: job.queueUrl },
        concurrentConsumersAmount: pollers,
        consumerOverrides: { batchSize: perRequest },
      },
      context,
    )
  }
}

function silent(): Record<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', () => void> {
  const nothing = (): void => undefined
  return { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing, fatal: nothing }
}

async function consume(job: SqsJob, meter: Meter, handle: () => Promise<void>): Promise<void> {
  const failed = Promise.withResolvers<never>()
  const consumer = new BenchConsumer(job, { handle }, failed.reject)
  await consumer.start()
  await Promise.race([meter.done, failed.promise])
  await deletesTaken()
  await consumer.close(true)
}
