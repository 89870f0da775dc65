import { setImmediate } from 'node:timers/promises'
import type { Clock, Intake } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import type { ConnectionEvents } from '../connection/connection.ts'
import type { ControlListener } from '../connection/control.ts'
import { mqttError } from '../errors.ts'
import { services } from '../test-support/services.ts'
import { MqttReceiver, type ReceiverParts } from './receiver.ts'

it('ends a receiver when it has lasted, and does not count when the broker has been lost since', async () => {
  let now = 0
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    timer: (_, wake) => {
      queueMicrotask(wake)
      return { cancel: () => undefined }
    },
    external: (operation) => operation,
  }
  const dials: PromiseWithResolvers<unknown>[] = []
  let session: ConnectionEvents | undefined
  let control: ControlListener | undefined
  const nothing = async (): Promise<void> => undefined
  const connection = {
    ...{ open: true, sessionPresent: true, facts: {}, subscribed: nothing, close: nothing, kill: () => undefined },
    listen: (events: ConnectionEvents) => void (session = events),
  }
  const parts = {
    ...{ names: async () => [{ clientId: 's-0', filter: 't', shared: false, members: 1, base: 's', index: 0 }], qos: 1, envelope: false, holder: 'me' },
    services: { ...services, clock },
    options: { protocolVersion: 5, timeoutMs: 60_000, reconnectMaxMs: 100 },
    dialer: {
      dial: () => {
        const dial = Promise.withResolvers<unknown>()
        dials.push(dial)
        return dial.promise
      },
    },
    control: {
      ...{ connection, whenConnected: async () => connection, roundTrip: nothing },
      listen: (listener: ControlListener) => {
        control = listener
        return () => undefined
      },
    },
    notes: { of: async () => new Map(), topicOf: () => 'note', listen: () => () => undefined, write: nothing },
  }
  const failures: unknown[] = []
  const failed: Intake['failed'] = ({ code }, fatal) => void failures.push([code, fatal])
  const intake: Intake = { deliver: () => undefined, lost: () => undefined, revoke: nothing, failed, recovered: () => undefined }
  const receiver = new MqttReceiver(parts as unknown as ReceiverParts, intake, { messages: 1, bytes: 1_000 })
  const denied = async (): Promise<void> => {
    dials.at(-1)?.reject(mqttError('ERR_ACCESS_DENIED', 'not for you'))
    await setImmediate()
  }
  const starting = receiver.start()
  await setImmediate()
  dials.at(-1)?.resolve(connection)
  await starting
  session?.onLost(new Error('cut'))
  await setImmediate()
  await denied()
  now += 60_000
  control?.onLost?.(mqttError('ERR_UNAVAILABLE', 'cut'))
  await denied()
  now += 59_999
  await denied()
  now += 1
  await denied()
  expect(failures).toEqual([false, false, false, true].map((fatal) => ['ERR_ACCESS_DENIED', fatal]))
})
