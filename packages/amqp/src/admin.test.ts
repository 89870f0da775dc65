import type { Channel } from 'amqplib'
import { expect, it } from 'vitest'
import { Admin } from './admin.ts'
import type { Connection } from './connection.ts'
import { amqpError } from './errors.ts'
import { services } from './test-support/services.ts'

const outOfReach = Object.assign(
  new Error(
    `Operation failed: QueueDeclare; 404 (NOT-FOUND) with message "NOT_FOUND - home node 'a@b' of durable queue 'orders' in vhost '/' is down or inaccessible"`,
  ),
  { code: 404 },
)

/** Of a connection whose channels answer with each of `answers`, then with the last one again. */
function adminThatHears(...answers: readonly Error[]): { readonly admin: Admin; readonly question: () => Promise<string>; readonly asked: () => number } {
  let asked = 0
  const connection: Partial<Connection> = { openChannel: () => Promise.resolve({} as Channel) }
  const question = async (): Promise<string> => {
    const answer = answers[asked++]
    if (answer !== undefined) throw answer
    return 'it is there'
  }
  const source = { connection: connection as Connection, reason: amqpError('ERR_UNAVAILABLE', 'none') }
  return { admin: new Admin(source, services, 1_000), question, asked: () => asked }
}

it('asks again where another client is declaring the queue in this moment', async () => {
  const { admin, question } = adminThatHears(outOfReach, outOfReach)
  expect(await admin.ask('Declaring queue orders', question, never)).toBe('it is there')
  expect(await admin.find('Looking for queue orders', question, never)).toBe('it is there')
})

it('says of a queue whose node is down that it may be tried again, and not that it does not exist', async () => {
  const { admin, question, asked } = adminThatHears(...Array.from({ length: 4 }, () => outOfReach))
  await expect(admin.find('Looking for queue orders', question, never)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
  expect(asked()).toBe(4)
})

it('takes a queue that is not there for what it is', async () => {
  const missing = Object.assign(new Error(`Operation failed: QueueDeclare; 404 (NOT-FOUND) with message "NOT_FOUND - no queue 'orders'"`), { code: 404 })
  const { admin, question, asked } = adminThatHears(missing)
  expect(await admin.find('Looking for queue orders', question, never)).toBeUndefined()
  expect(asked()).toBe(1)
})

const never = new AbortController().signal
