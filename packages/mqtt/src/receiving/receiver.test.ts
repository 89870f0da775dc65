import type { Intake } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import type { Connection, ConnectionRequest } from '../connection/connection.ts'
import { message } from '../test-support/fake-broker.ts'
import { services } from '../test-support/services.ts'
import { MqttReceiver, type ReceiverParts } from './receiver.ts'

const intake: Intake = { deliver: () => undefined, lost: () => undefined, revoke: async () => undefined, failed: () => undefined, recovered: () => undefined }
const name = { clientId: 's-0', filter: 't', shared: false, members: 1, base: 's', index: 0 }

/** A receiver of one session, on a connection that counts how often it is held, and delivers all the same. */
function receiverOf(): { readonly receiver: MqttReceiver; readonly deliver: (messages: number) => void; readonly calls: string[] } {
  const calls: string[] = []
  const nothing = async (): Promise<void> => undefined
  const fake = {
    ...{ open: true, sessionPresent: true, facts: {}, subscribed: nothing, close: nothing, kill: () => undefined, listen: () => undefined },
    hold: () => calls.push('hold'),
    release: () => calls.push('release'),
  }
  const connection = fake as unknown as Connection
  const requests: ConnectionRequest[] = []
  const parts = {
    ...{ names: async () => [name], qos: 1, envelope: false, holder: 'me', services, options: { protocolVersion: 5, timeoutMs: 60_000 } },
    dialer: {
      dial: async (request: ConnectionRequest) => {
        requests.push(request)
        return connection
      },
    },
    control: { connection, listen: () => () => undefined },
    notes: { of: async () => new Map(), topicOf: () => 'note', listen: () => () => undefined, write: nothing },
  }
  const deliver = (messages: number): void => {
    for (let count = 0; count < messages; count++) requests.at(-1)?.onMessage(connection, message('t', 'x'))
  }
  return { receiver: new MqttReceiver(parts as unknown as ReceiverParts, intake, { messages: 1, bytes: 1_000 }), deliver, calls }
}

it('holds every connection that delivers more than may wait, also one that was opened since it has stopped reading', async () => {
  const { receiver, deliver, calls } = receiverOf()
  await receiver.start()
  deliver(256)
  expect(calls).toEqual([])
  deliver(1)
  expect(calls).toEqual(['hold'])
  deliver(1)
  expect(calls).toEqual(['hold', 'hold'])
  await receiver.handBack()
})
