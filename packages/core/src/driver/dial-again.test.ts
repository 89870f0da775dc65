import { expect, it } from 'vitest'
import { BrokerError } from '../errors.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { turns } from '../test-support/turns.ts'
import { dialAgain } from './dial-again.ts'

interface Dialed {
  killed: boolean
  kill(): void
}

function dialed(): Dialed {
  return {
    killed: false,
    kill() {
      this.killed = true
    },
  }
}

const down = new BrokerError('ERR_UNAVAILABLE', 'down', {})
const denied = new BrokerError('ERR_ACCESS_DENIED', 'denied', {})

const times = (count: number, error: Error): Error[] => Array.from({ length: count }, () => error)

/** Attempts have the `outcomes` in turn, and the last one for ever; random pauses are the longest. */
function dialing(outcomes: readonly (Dialed | Error)[], prepare: (connection: Dialed) => Promise<void> = () => Promise.resolve()) {
  const clock = new ManualClock()
  const closing = new AbortController()
  const dialedAt: number[] = []
  const failures: string[] = []
  const ended = dialAgain<Dialed>(
    {
      dial: async () => {
        const outcome = outcomes[Math.min(dialedAt.push(clock.monotonic()), outcomes.length) - 1] as Dialed | Error
        if (outcome instanceof Error) throw outcome
        return outcome
      },
      prepare,
      toError: (error) => error as BrokerError,
      onFailure: ({ message }, round) => void failures.push(`${round} ${message}`),
      longestPauseMs: 1_000,
    },
    { clock, random: () => 1 },
    closing.signal,
  )
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100)
      await turns()
    }
  }
  return { clock, closing, dialedAt, failures, ended, pass }
}

it('waits before the first attempt, twice as long before each that follows, and never longer than it is told', async () => {
  const found = dialed()
  const { ended, pass, dialedAt, failures } = dialing([...times(6, down), found])
  await pass(5_000)
  expect(await ended).toBe(found)
  expect(dialedAt).toEqual([100, 300, 700, 1_500, 2_500, 3_500, 4_500])
  expect(failures).toEqual(['1 down', '2 down', '3 down', '4 down', '5 down', '6 down'])
})

it('never gives up a broker that is not to be reached', async () => {
  const { closing, ended, pass, failures } = dialing([down])
  await pass(600_000)
  expect(failures.length).toBeGreaterThan(500)
  closing.abort()
  expect(await ended).toBeUndefined()
})

it('believes a refusal that lasts for half a minute', async () => {
  const { ended, pass, dialedAt } = dialing([denied])
  const thrown = ended.catch((error: unknown) => error)
  await pass(40_000)
  expect(await thrown).toBe(denied)
  expect(dialedAt.at(-1)).toBeGreaterThan(30_000)
  expect(dialedAt.at(-1)).toBeLessThan(32_000)
})

it('counts that time anew when the broker was not to be reached in between', async () => {
  const found = dialed()
  const refused = times(20, denied)
  const { ended, pass } = dialing([...refused, down, ...refused, found])
  await pass(60_000)
  expect(await ended).toBe(found)
})

it('kills what could not be prepared, and tries again', async () => {
  const [first, second] = [dialed(), dialed()]
  const { ended, pass, failures } = dialing([first, second], async (connection) => {
    if (connection === first) throw down
  })
  await pass(1_000)
  expect(await ended).toBe(second)
  expect([first.killed, second.killed]).toEqual([true, false])
  expect(failures).toEqual(['1 down'])
})

it('leaves nothing open when it is ended while it waits, or while it prepares', async () => {
  const waiting = dialing([down])
  waiting.closing.abort()
  expect(await waiting.ended).toBeUndefined()
  expect(waiting.clock.timers).toBe(0)
  expect(waiting.dialedAt).toEqual([])

  const connection = dialed()
  const { promise, resolve } = Promise.withResolvers<void>()
  const preparing = dialing([connection], () => promise)
  await preparing.pass(100)
  preparing.closing.abort()
  expect(connection.killed).toBe(true)
  resolve()
  expect(await preparing.ended).toBeUndefined()
  expect(preparing.failures).toEqual([])
})
