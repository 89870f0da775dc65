import { MessageHandlerConfigBuilder } from '@message-queue-toolkit/core'
import { AbstractSqsConsumer } from '@message-queue-toolkit/sqs'
import * as z from 'zod'
import { client, deletesTakenMs, perRequest, pollers, type SqsSubject, type SqsWork } from './sqs-subject.ts'
import type { Handle, Receiver } from './subject.ts'

/** The peer as its documentation shows it, with receives of ten by several consumers. It takes JSON with a schema, and deletes messages one by one. */
export const messageQueueToolkit: SqsSubject = { receive, settleMs: deletesTakenMs }

const Body = z.object({ id: z.string(), type: z.literal('bench'), timestamp: z.string(), note: z.string() })
type Body = z.infer<typeof Body>

interface Context {
  readonly handle: Handle
}

class BenchConsumer extends AbstractSqsConsumer<Body, Context> {
  constructor(work: SqsWork, context: Context, onError: (error: unknown) => void) {
    const logger = { level: 'silent', msgPrefix: undefined, ...silent(), child: () => logger, isLevelEnabled: () => false, silent: () => undefined }
    super(
      {
        sqsClient: client(work),
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
          .addConfig(Body, async ({ id }, { handle }) => {
            await handle(id)
            return { result: 'success' }
          })
          .build(),
        locatorConfig: { queueUrl: work.queueUrl },
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

async function receive(work: SqsWork, handle: Handle): Promise<Receiver> {
  const failed = Promise.withResolvers<never>()
  const consumer = new BenchConsumer(work, { handle }, failed.reject)
  await consumer.start()
  return { failed: failed.promise, close: () => consumer.close(true) }
}
