import type { Harness } from '@busbar/contract-tests'
import { startProxy, type FaultProxy } from '../../brokers/index.ts'

type CaseHarness = Awaited<ReturnType<NonNullable<Harness['forCase']>>>

/** Faults of connections, declared for all cases and caused by those that have a proxy of their own: without one the faults of one case would reach the others. */
export const needsProxy: Required<Pick<NonNullable<Harness['faults']>, 'cutConnections' | 'outage' | 'loseNextAnswer'>> = {
  cutConnections: unavailable,
  outage: unavailable,
  loseNextAnswer: unavailable,
}

/** The harness of one case, whose connections to `port` go through a proxy of its own. */
export async function proxiedCase(port: number, make: (proxy: FaultProxy) => Harness): Promise<CaseHarness> {
  const proxy = await startProxy(port)
  const own = make(proxy)
  return {
    ...own,
    faults: {
      ...own.faults,
      cutConnections: async () => proxy.reset(),
      loseNextAnswer: async () => {
        // What is sent now arrives; the broker's answers do not, and then the connection ends.
        proxy.freeze('down')
        setTimeout(() => {
          proxy.reset()
          proxy.thaw()
        }, 500)
      },
      outage: async () => {
        proxy.refuse(true)
        proxy.reset()
        return { end: async () => proxy.refuse(false) }
      },
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  }
}

async function unavailable(): Promise<never> {
  throw new TypeError('only a case with a proxy of its own can cut connections')
}
