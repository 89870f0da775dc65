import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from './case.ts'
import type { Harness, Kind } from './harness.ts'
import { NotApplicable } from './kit/assert.ts'
import { CaseContext } from './kit/context.ts'

/** Runs one case in places of its own and closes all that it opened, however it ends. `onInspected` is told what the broker says of the endpoints made. */
export async function runCase(contractCase: ContractCase, harness: Harness, kind: Kind, onInspected?: (capabilities: Capabilities) => void): Promise<void> {
  const own = await harness.forCase?.()
  try {
    await runIn(own ?? harness, contractCase, kind, onInspected)
  } finally {
    await own?.[Symbol.asyncDispose]()
  }
}

async function runIn(harness: Harness, contractCase: ContractCase, kind: Kind, onInspected: ((capabilities: Capabilities) => void) | undefined): Promise<void> {
  const context = new CaseContext(harness, kind, contractCase.keyed ?? false, (capabilities) => {
    onInspected?.(capabilities)
    if (contractCase.applies?.(capabilities) === false) throw new NotApplicable('the broker itself says that it has no such capability')
  })
  let failure: { readonly error: unknown } | undefined
  try {
    await contractCase.run(context)
    context.changes.check()
  } catch (error) {
    failure = { error }
  }
  try {
    await context.waiting.settled(context.end(), 'closing what the case opened', harness.bounds.reconnectMs * 4)
  } catch (error) {
    failure ??= { error }
  }
  if (failure !== undefined) throw failure.error
}
