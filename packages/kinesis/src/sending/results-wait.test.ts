import { expect, it } from 'vitest'
import { entriesOf, FakeKinesis } from '../test-support/fake-kinesis.ts'
import { settled } from '../test-support/manual-clock.ts'
import { never, numbered, senderOf } from '../test-support/sending.ts'

/** As many turns of promises as the SDK takes to sign a request, and more. */
const turnsOfASigner = 100

/** What happens while so many messages with one key are sent, 500 in a request. */
async function eventsOf(messages: number): Promise<string[]> {
  const events: string[] = []
  const fake = new FakeKinesis(1)
  fake.on('PutRecords', async (input) => {
    for (let turn = 0; turn < turnsOfASigner; turn++) await Promise.resolve()
    events.push('request')
    await settled()
    await settled()
    return { Records: entriesOf(input).map((record) => fake.store(record)) }
  })
  const sender = await senderOf(fake, {}, { shardShare: false })
  const batches = Array.from({ length: messages / 500 }, () => numbered(500, 'hot'))
  await Promise.all(batches.map((batch) => sender.send(batch, never).then(() => events.push('results'))))
  return events
}

it('hears of a request when the next one is written, so that the service has something to do meanwhile', async () => {
  expect(await eventsOf(1_500)).toEqual(['request', 'request', 'results', 'request', 'results', 'results'])
})

it('hears of a request at once when there is nothing else to send', async () => {
  const fake = new FakeKinesis(1)
  const sender = await senderOf(fake, {}, { shardShare: false })
  let isNextTurn = false
  fake.on('PutRecords', (input) => {
    setImmediate(() => (isNextTurn = true))
    return { Records: entriesOf(input).map((record) => fake.store(record)) }
  })
  await sender.send(numbered(1, 'hot'), never)
  expect(isNextTurn).toBe(false)
})
