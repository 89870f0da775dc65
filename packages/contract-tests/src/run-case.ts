import type { ContractCase } from './case.ts'
import type { Harness, Kind } from './harness.ts'
import { CaseContext } from './kit/context.ts'

/** Runs one case in places of its own and closes all that it opened, however it ends. */
export async function runCase(contractCase: ContractCase, harness: Harness, kind: Kind): Promise<void> {
  const context = new CaseContext(harness, kind, contractCase.keyed ?? false)
  let failure: { readonly error: unknown } | undefined
  try {
    await contractCase.run(context)
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
