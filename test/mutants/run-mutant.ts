import { allCases, applies, claimsOf, kinds, runCase, whyNotExamined, type ContractCase, type Harness, type Kind } from '@busbar/contract-tests'
import type { ProfileName } from '@busbar/memory'
import { memoryHarness } from '../contract/harness/memory-harness.ts'
import { alter, type Alterations } from './alter.ts'
import type { Mutant } from './mutant.ts'

/** Real time after which a case counts as hung: virtual time needs milliseconds. */
const hungMs = 20_000

export type Verdict =
  | { readonly killed: true; readonly kind: Kind; readonly text: string }
  | { readonly killed: false; readonly text: string }

/** Runs the case that must kill the mutant, on the mutant. */
export async function runMutant(mutant: Mutant): Promise<Verdict> {
  const found = caseOf(mutant)
  const harness = harnessOf(mutant.profile ?? 'full', mutant.alterations())
  const kind = kindOf(mutant, found, harness)
  if (kind === undefined) return { killed: false, text: `${found.id} does not apply to it` }
  const failure = await failureOf(found, harness, kind)
  if (failure === undefined) return { killed: false, text: `${found.id} passes on it` }
  if (failure instanceof Hung) return { killed: false, text: `${found.id} hangs on it` }
  return { killed: true, kind, text: failure.message }
}

/** The sound driver under the same case: it must pass, or the case would kill everything. */
export async function runSound(mutant: Mutant, kind: Kind): Promise<string | undefined> {
  const failure = await failureOf(caseOf(mutant), harnessOf(mutant.profile ?? 'full'), kind)
  return failure?.message
}

export function caseOf({ name, killedBy }: Mutant): ContractCase {
  const found = allCases.find(({ id }) => id === killedBy)
  if (found === undefined) throw new Error(`mutant ${name}: there is no case ${killedBy}`)
  return found
}

function harnessOf(profile: ProfileName, alterations?: Alterations): Harness {
  return memoryHarness({ profile, wrap: (driver) => (alterations === undefined ? driver : alter(driver, alterations)) })
}

function kindOf(mutant: Mutant, found: ContractCase, harness: Harness): Kind | undefined {
  const claims = claimsOf(harness)
  const examined = (kind: Kind): boolean => applies(found, kind, claims[kind]) && whyNotExamined(found, harness, claims[kind]) === undefined
  return kinds.find((kind) => (mutant.kind === undefined || mutant.kind === kind) && examined(kind))
}

class Hung extends Error {}

async function failureOf(found: ContractCase, harness: Harness, kind: Kind): Promise<Error | undefined> {
  let timeout: ReturnType<typeof setTimeout> | undefined
  const hung = new Promise<never>((_, reject) => {
    timeout = setTimeout(() => reject(new Hung('hung')), hungMs)
  })
  try {
    await Promise.race([runCase(found, harness, kind), hung])
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    clearTimeout(timeout)
  }
}
