import type { SendResult, SettleResult } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import { outcomeOf } from '../kit/inbox.ts'
import { numbered } from '../kit/messages.ts'
import { holdMs } from '../kit/capabilities.ts'

const rounds = 6

const answersOverCut: ContractCase = {
  id: 'reconnect/answers-over-cut',
  title: 'calls of send and settle that a cut meets are answered, and what a send has answered is true: ok arrives, stored: no does not',
  examines: ['confirms', 'settlement'],
  kills: ['send-hangs-at-cut', 'settle-hangs-at-cut'],
  applies: ({ settlement, confirms }) => settlement !== false && confirms,
  faults: ['cutConnections'],
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place)
    const taken: string[] = []
    const unsent: string[] = []
    for (let round = 0; round < rounds; round++) {
      const [before, during] = [`before-${round}`, `during-${round}`]
      await context.waiting.poll(
        () => session.trySend(place, [{ body: before }, { body: during }]),
        (sent) => sent.every(({ ok }) => ok),
        (sent) => `a send succeeds; the last answers were ${show(sent)}`,
        context.harness.bounds.reconnectMs,
        50,
      )
      await context.waiting.eventually(() => inbox.has([before, during]), 'both arrive', context.harness.bounds.reconnectMs + context.againMs(place))
      const bodies = numbered(`round-${round}`, Math.min(5, place.capabilities.maxBatch.messages))
      const sending = session.sender(place).send(
        bodies.map((body) => session.outgoing({ body })),
        new AbortController().signal,
      )
      const settle = (body: string): Promise<readonly SettleResult[]> => inbox.receiver.settle([outcomeOf(inbox.latest(body).delivery, 'ack')])
      const first = settle(before)
      // Each time a little later, so that the cut meets the calls on their way, at the broker and on the way back.
      if (round > 0) await context.waiting.until(context.now + round - 1)
      const cutting = context.fault('cutConnections')()
      const second = settle(during)
      await cutting
      const answers = await context.waiting.answered<readonly SendResult[]>(sending, 'a send that was cut off')
      const settled = await context.waiting.answered(Promise.all([first, second]), 'a settle that was cut off')
      check(settled.flat().length === 2 && answers.length === bodies.length, () => `each is answered once; got ${show([answers, settled])}`)
      for (const [index, body] of bodies.entries()) {
        const answer = answers[index]
        if (answer?.ok === true) taken.push(body)
        else if (answer?.stored === 'no') unsent.push(body)
      }
    }
    inbox.react = () => 'ack'
    await context.waiting.eventually(
      () => inbox.has(taken),
      () => `what was answered ok arrives; missing ${show(taken.filter((body) => !inbox.has([body])))}`,
      context.harness.bounds.reconnectMs + context.againMs(place),
    )
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    const arrived = unsent.filter((body) => inbox.has([body]))
    check(arrived.length === 0, () => `what was answered stored: no does not arrive; ${show(arrived)} did`)
  },
}

export const answerCases: readonly ContractCase[] = [answersOverCut]
