import type { MqttClient } from 'mqtt'
import { expect, it } from 'vitest'
import { manualTime, type ManualTime } from '../test-support/manual-time.ts'
import { ReadHold } from './read-hold.ts'

const keepaliveMs = 1_000

/** A hold on a client that only counts, and the time. */
function held(): { readonly hold: ReadHold; readonly calls: string[]; readonly pass: ManualTime['pass'] } {
  const { clock, pass } = manualTime()
  const calls: string[] = []
  const client = { keepalive: keepaliveMs / 1_000, sendPing: () => calls.push('ping'), reschedulePing: () => calls.push('reschedule') }
  return { hold: new ReadHold(client as unknown as MqttClient, clock), calls, pass }
}

it('keeps the link alive while it is held, and leaves that to the library afterwards', () => {
  const { hold, calls, pass } = held()
  hold.hold()
  for (let time = 0; time < 3; time++) pass(500)
  expect(calls.filter((call) => call === 'ping')).toHaveLength(3)
  hold.release()
  for (let time = 0; time < 5; time++) pass(500)
  expect(calls.filter((call) => call === 'ping').length).toBeLessThanOrEqual(4)
})

it('keeps the link alive over holds that come and go, each of which is short', () => {
  const { hold, calls, pass } = held()
  for (let time = 0; time < 50; time++) {
    hold.hold()
    pass(90)
    hold.release()
    pass(10)
  }
  // In five seconds: each keep-alive time has its ping.
  expect(calls.filter((call) => call === 'ping').length).toBeGreaterThanOrEqual(5_000 / keepaliveMs)
})

it('ends with its connection', () => {
  const { hold, calls, pass } = held()
  let passed = 0
  hold.hold()
  hold.pass(() => passed++)
  hold.end()
  calls.length = 0
  for (let time = 0; time < 5; time++) pass(500)
  expect([calls, passed]).toEqual([[], 1])
})
