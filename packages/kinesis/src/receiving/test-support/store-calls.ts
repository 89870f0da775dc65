import type { LeaseStore } from '@busbar/core/driver'

type Around = (call: string, carryOut: () => Promise<unknown>) => Promise<unknown>

/** A store of which calls fail, named with what they are for: before they are carried out, or after. */
export function failing(fails: (call: string) => boolean, after = false): (store: LeaseStore) => LeaseStore {
  return around(async (call, carryOut) => {
    const isFailing = fails(call)
    if (isFailing && !after) throw new Error('no answer')
    const answer = await carryOut()
    if (isFailing) throw new Error('the answer was lost')
    return answer
  })
}

/** A store that waits before each call. */
export function watched(before: (call: string) => Promise<void>): (store: LeaseStore) => LeaseStore {
  return around(async (call, carryOut) => {
    await before(call)
    return carryOut()
  })
}

function around(act: Around): (store: LeaseStore) => LeaseStore {
  const call = (store: LeaseStore, name: keyof LeaseStore, given: readonly unknown[]): Promise<unknown> =>
    act(callText(name, given), async () => Reflect.apply(store[name] as (...all: readonly unknown[]) => unknown, store, given))
  return (store) =>
    new Proxy(store, {
      get:
        (_target, name) =>
        (...given: readonly unknown[]) =>
          call(store, name as keyof LeaseStore, given),
    })
}

function callText(name: string, [first]: readonly unknown[]): string {
  return `${name} ${typeof first === 'string' ? first : (first as { readonly key?: string } | undefined)?.key}`
}
