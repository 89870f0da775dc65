import type { BrokerError, Delivery, Intake, Receiver, Window } from '@busbar/core/driver'
import type { SqsOptions } from '../options.ts'
import { endpoint, messages, type FakeSqs } from './fake-sqs.ts'
import { settled } from './manual-clock.ts'

export class TestIntake implements Intake {
  readonly delivered: Delivery[] = []
  readonly failures: { readonly error: BrokerError; readonly fatal: boolean }[] = []
  recoveries = 0

  deliver(deliveries: readonly Delivery[]): void {
    this.delivered.push(...deliveries)
  }

  lost(): void {
    throw new Error('a receipt is lost when its lease ends')
  }

  revoke(): Promise<void> {
    return Promise.resolve()
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.failures.push({ error, fatal })
  }

  recovered(): void {
    this.recoveries++
  }
}

export const wide: Window = { messages: 1_000, bytes: 1_000_000_000 }

export interface Bed {
  readonly fake: FakeSqs
  readonly intake: TestIntake
  readonly receiver: Receiver
}

export async function receiving(
  fake: FakeSqs,
  { window = wide, keyed = false, options = {} }: { window?: Window; keyed?: boolean; options?: SqsOptions } = {},
): Promise<Bed> {
  const intake = new TestIntake()
  const { receiver } = await fake.link(options)
  if (receiver === false) throw new TypeError('a queue can be received from')
  const bed = { fake, intake, receiver: receiver(endpoint({ keyed }), intake, window) }
  await bed.receiver.start()
  await settled()
  return bed
}

let made = 0

/** Answers every receive in full after `ms`. */
export function busy(fake: FakeSqs, ms = 10): FakeSqs {
  fake.on('ReceiveMessage', ({ MaxNumberOfMessages }, signal) =>
    fake.after(ms, messages(...Array.from({ length: Number(MaxNumberOfMessages) }, () => `m-${++made}`)), signal),
  )
  return fake
}

/** Answers the first receives as scripted, and then waits. */
export function scripted(fake: FakeSqs, ...answers: readonly (object | Error)[]): FakeSqs {
  const left = [...answers]
  fake.on('ReceiveMessage', (input, signal) => {
    const answer = left.shift()
    if (answer instanceof Error) throw answer
    return answer ?? fake.after(Number(input['WaitTimeSeconds']) * 1_000, {}, signal)
  })
  return fake
}

export function receives(fake: FakeSqs): number {
  return fake.named('ReceiveMessage').length
}

export function sizes(fake: FakeSqs): number[] {
  return fake.named('ReceiveMessage').map(({ input }) => Number(input['MaxNumberOfMessages']))
}
