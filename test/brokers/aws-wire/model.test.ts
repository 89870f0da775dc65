import { seededRandom } from '@busbar/memory'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startBed, type Bed } from './test-support/bed.ts'
import { ModelQueue, type ModelMessage } from './test-support/model.ts'

let bed: Bed

beforeAll(async () => {
  bed = await startBed()
})

afterAll(() => bed[Symbol.asyncDispose]())

const steps = 150
const cases = ['standard', 'fifo'].flatMap((kind) => Array.from({ length: 10 }, (_, seed) => [kind, seed + 1] as const))

it.each(cases)('a %s queue keeps the rules, whatever is done to it: seed %i', async (kind, seed) => {
  const fifo = kind === 'fifo'
  const random = seededRandom(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const model = new ModelQueue(fifo)
  const url = await bed.queue(`model-${seed}${fifo ? '.fifo' : ''}`, { VisibilityTimeout: '3' })
  let sent = 0
  let received = 0

  const send = async (): Promise<void> => {
    const body = `m${++sent}`
    const group = `g${below(3)}`
    const delay = fifo || below(3) > 0 ? 0 : below(3)
    if (fifo) await bed.sendTo(url, group, body)
    else await bed.send(url, body, { DelaySeconds: delay })
    model.send(body, group, bed.clock.monotonic(), delay * 1_000)
  }
  const receive = async (): Promise<void> => {
    const max = 1 + below(10)
    const seconds = below(4)
    const messages = await bed.receive(url, { MaxNumberOfMessages: max, VisibilityTimeout: seconds })
    received += messages.length
    const got = messages.map(({ Body = '', ReceiptHandle = '', Attributes }) => ({
      body: Body,
      handle: ReceiptHandle,
      count: Number(Attributes?.ApproximateReceiveCount),
    }))
    expect(model.receive(got, max, seconds * 1_000, bed.clock.monotonic())).toBeUndefined()
  }
  /** Any handle of any message, mostly the latest; of deleted messages, only the one that deleted: for others the service's answer is not known. */
  const chosen = (): { message: ModelMessage; handle: string } | undefined => {
    const known = model.messages.filter(({ handles }) => handles.length > 0)
    const message = known[below(known.length)]
    const handle = message?.deleted === true || below(3) > 0 ? message?.handles.at(-1) : message?.handles[below(message.handles.length)]
    return message === undefined || handle === undefined ? undefined : { message, handle }
  }
  const answer = (call: Promise<void>): Promise<string> =>
    call.then(
      () => 'ok',
      (error: unknown) => ((error as Error).name === 'InvalidParameterValue' ? 'refused' : String(error)),
    )
  const remove = async (): Promise<void> => {
    const choice = chosen()
    if (choice === undefined) return
    const got = await answer(bed.delete(url, { ReceiptHandle: choice.handle }))
    expect(got).toBe(model.delete(choice.message, choice.handle, bed.clock.monotonic()))
  }
  const change = async (): Promise<void> => {
    const choice = chosen()
    if (choice === undefined) return
    const seconds = below(4)
    const got = await answer(bed.change(url, { ReceiptHandle: choice.handle }, seconds))
    expect(got).toBe(model.change(choice.message, choice.handle, seconds * 1_000, bed.clock.monotonic()))
  }
  const count = async (): Promise<void> => {
    const { ready, inFlight, delayed } = model.counts(bed.clock.monotonic())
    expect(await bed.attribute(url, 'ApproximateNumberOfMessages')).toBe(`${ready}`)
    expect(await bed.attribute(url, 'ApproximateNumberOfMessagesNotVisible')).toBe(`${inFlight}`)
    expect(await bed.attribute(url, 'ApproximateNumberOfMessagesDelayed')).toBe(`${delayed}`)
  }
  const wait = (): Promise<void> => bed.clock.advance([1, 999, 1_000, 2_500][below(4)] ?? 0)

  const actions = [send, send, send, receive, receive, remove, remove, change, change, wait, wait, count]
  for (let step = 0; step < steps; step++) await actions[below(actions.length)]?.()
  await count()
  expect(received).toBeGreaterThan(10)
})
