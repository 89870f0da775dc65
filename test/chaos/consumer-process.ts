/** Handles messages and reads dead letters until it is told to end. Its argument is a {@link ConsumerSettings} as JSON. */
import { setTimeout as pause } from 'node:timers/promises'
import { Directive, exponential, type Broker, type HandlerContext, type Message, type ProcessFunction } from '@busbar/core'
import { seededRandom } from '@busbar/memory'
import { idempotency, retry } from '@busbar/middleware'
import { redisStore } from '@busbar/redis'
import { Child } from './child.ts'
import { failsOnce, isPoisoned } from './message-id.ts'
import type { ConsumerSettings } from './settings.ts'
import { jobOf, workloadOf, type Job } from './workload.ts'

/** How long messages may be left at the broker after all of them were handled. */
const leftForMs = 10_000

const child = new Child<ConsumerSettings>()
const { history } = child
const { backend, redisUrl, seed } = child.settings
const { source, definitions } = workloadOf(backend.kind)
const random = seededRandom(seed)
const store = redisUrl === undefined ? undefined : redisStore({ url: redisUrl, timeoutMs: 2_000 })
const broker = await child.connect(definitions)

const remembered: ProcessFunction = async ({ message }, next) => {
  const value = await next()
  if (!(value instanceof Directive)) history.write('done', message.id)
  return value
}

async function handle(message: Message<Job>, { signal }: HandlerContext): Promise<void> {
  const { id, body, attempt, deliveryAttempt } = message
  history.write('begin', id, `${attempt} ${deliveryAttempt ?? '-'}`)
  try {
    if (body.id !== id || body.filler !== jobOf(id, body.key).filler) history.write('wrong', `${id} has arrived with another body`)
    await pause(random() * 5, undefined, { signal })
    if (isPoisoned(id) || (failsOnce(id) && attempt === 1)) throw new Error('the service behind does not answer')
  } catch (error) {
    history.write('failure', id, (error as Error).name)
    throw error
  }
  history.write('effect', id)
}

await broker.consume(source, handle, {
  concurrency: 16,
  use: [
    remembered,
    ...(store === undefined ? [] : [idempotency({ store, leaseMs: 20_000, timeoutMs: 2_000 })]),
    retry({ maxAttempts: 3, backoff: exponential({ initialMs: 20, maxMs: 200 }) }),
  ],
})
await broker.consume(broker.deadLetters(source).queue, ({ id }) => history.write('dead', id), { concurrency: 4 })

await child.ending
history.write('left', await left(broker))
await broker.drain()
await store?.close()
child.end()

/** Messages that the broker says it has, once it says none or the time is over. */
async function left(broker: Broker): Promise<number> {
  const began = performance.now()
  for (;;) {
    const late = performance.now() - began > leftForMs
    // The last fault may still be felt.
    const stats = await broker.stats(source).catch((error: unknown) => {
      if (late) throw error
    })
    const count = stats === undefined ? Infinity : (stats.ready ?? 0) + (stats.inFlight ?? 0) + (stats.delayed ?? 0)
    if (count === 0 || late) return count
    await pause(100)
  }
}
