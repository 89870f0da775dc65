import { expect, it } from 'vitest'
import type { Connection } from '../connection/connection.ts'
import type { Dialer } from '../connection/dialer.ts'
import { mqttError } from '../errors.ts'
import { never } from '../test-support/services.ts'
import { makeSession } from './make-session.ts'
import type { Note, Notes } from './notes.ts'

const name = { clientId: 'busbar-orders-0', filter: '$share/busbar/orders', shared: true, members: 1, base: 'orders', index: 0 }
const ended = mqttError('ERR_UNAVAILABLE', 'Connection closed', { retryable: true })
const denied = mqttError('ERR_ACCESS_DENIED', 'not authorized')
const note = (): Note => ({ filter: name.filter, members: 1 })

/** Makes a session whose connections fail with each of `failures` in turn. `noted`: what the notes say before, and what after each look at them. */
function making(
  failures: readonly Error[],
  noted: readonly (Note | undefined)[] = [],
): { readonly done: Promise<void>; readonly tried: () => number; readonly written: () => number } {
  let [tried, looks, written] = [0, 0, 0]
  const connection: Partial<Connection> = { subscribe: async () => undefined, close: async () => undefined }
  const dial = async (): Promise<Connection> => {
    const failure = failures[tried++]
    if (failure !== undefined) throw failure
    return connection as Connection
  }
  const notes: Partial<Notes> = {
    last: () => noted[Math.min(looks, noted.length - 1)],
    of: async () => {
      looks++
      return new Map()
    },
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
  const { done, tried, written } = making([ended, ended], [undefined, undefined, note()])
  await done
  expect([tried(), written()]).toEqual([2, 0])
})

it('is not taken for made because of a note that was there before, as after a broker has forgotten its subscription', async () => {
  const before = note()
  const { done, tried, written } = making([ended], [before, before])
  await done
  expect([tried(), written()]).toEqual([2, 1])
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
