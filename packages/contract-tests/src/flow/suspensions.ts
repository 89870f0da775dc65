import type { ProcessMiddleware } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import { numbered } from '../kit/messages.ts'

const suspend: ContractCase = {
  id: 'flow/suspend',
  title: 'while a middleware holds a consumer suspended nothing is started and no more than the window is delivered; then everything is handled',
  examines: ['settlement'],
  kills: ['window-ignored', 'resume-no-op'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const bodies = numbered('m', 60)
    const producer = broker.producer(place.destination)
    await producer.sendBatch(bodies.slice(0, 40))
    const handled: Handled[] = []
    let goOn: (() => void) | undefined
    const gate: ProcessMiddleware = {
      name: 'gate',
      stage: 'custom',
      process: (given, next) => {
        goOn ??= given.suspend()
        return next()
      },
    }
    const consumer = await broker.consume(place.source, context.api.recording(handled), { concurrency: 2, maxInFlight: 8, use: [gate] })
    await context.waiting.eventually(() => handled.length > 0, 'the first message is handled', context.harness.bounds.arrivalMs)
    await producer.sendBatch(bodies.slice(40))
    await context.waiting.never(
      () => handled.length > 1 || consumer.stats.held > 8,
      () => `while it is suspended ${handled.length - 1} more are started, and ${consumer.stats.held} held where 8 are allowed`,
      context.harness.bounds.quietMs,
    )
    check(goOn !== undefined, 'the consumer is suspended')
    goOn()
    const missing = (): string[] => bodies.filter((body) => !handled.some(({ text }) => text === body))
    await context.waiting.eventually(
      () => missing().length === 0,
      () => `everything is handled after it; ${show(missing())} are not`,
      context.againMs(await context.place()) * 2,
    )
  },
}

export const suspensionCases: readonly ContractCase[] = [suspend]
