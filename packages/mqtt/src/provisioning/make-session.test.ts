import { expect, it } from 'vitest'
import type { Connection } from '../connection/connection.ts'
import type { Dialer } from '../connection/dialer.ts'
import { mqttError } from '../errors.ts'
import { never } from '../test-support/services.ts'
import { makeSession } from './make-session.ts'
import type { Notes } from './notes.ts'

const name = { clientId: 'busbar-orders-0', filter: '$share/busbar/orders', shared: true, members: 1, base: 'orders', index: 0 }
const ended = mqttError('ERR_UNAVAILABLE', 'Connection closed', { retryable: true })
const denied = mqttError('ERR_ACCESS_DENIED', 'not authorized')

/** Makes a session whose connections fail with each of `failures` in turn; others have noted it at the look `notedAt`. */
function making(
  failures: readonly Error[],
  notedAt = Infinity,
): { readonly done: Promise<void>; readonly tried: () => number; readonly written: () => number } {
  let [tried, looks, written] = [0, 0, 0]
  const connection: Partial<Connection> = { subscribe: async () => undefined, close: async () => undefined }
  const dial = async (): Promise<Connection> => {
    const failure = failures[tried++]
    if (failure !== undefined) throw failure
    return connection as Connection
  }
  const notes: Partial<Notes> = {
    of: async () => new Map(++looks < notedAt ? [] : [[name.index, { filter: name.filter, members: name.members }]]),
    write: async () => void written++,
  }
  const done = makeSession(name, 1, { dial } as Partial<Dialer> as Dialer, notes as Notes, never)
  return { done, tried: () => tried, written: () => written }
}

it('is tried again when a connection was ended, and noted', async () => {
  const { done, tried, written } = making([ended, ended])
  await done
  expect([tried(), written()]).toEqual([3, 1])
})

it('is left to the process that has noted it meanwhile', async () => {
  const { done, tried, written } = making([ended, ended], 2)
  await done
  expect([tried(), written()]).toEqual([2, 0])
})

it('is given up after five connections', async () => {
  const { done, tried } = making(Array.from({ length: 9 }, () => ended))
  await expect(done).rejects.toBe(ended)
  expect(tried()).toBe(5)
})

it('is not tried again where that is of no use', async () => {
  const { done, tried } = making([denied])
  await expect(done).rejects.toBe(denied)
  expect(tried()).toBe(1)
})
