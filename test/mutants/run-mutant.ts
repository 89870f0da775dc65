import {
  allCases,
  applies,
  claimsOf,
  kinds,
  NotApplicable,
  NotExamined,
  runCase,
  whyNotExamined,
  type CaseId,
  type ContractCase,
  type Harness,
  type Kind,
} from '@busbar/contract-tests'
import type { ProfileName } from '@busbar/memory'
import { memoryHarness } from '../contract/harness/memory-harness.ts'
import { alter, type Alterations } from './alter.ts'
import type { Mutant } from './mutant.ts'

/** Real time after which a case counts as hung: virtual time needs milliseconds. */
const hungMs = 20_000

export type Verdict = { readonly killed: true; readonly kind: Kind; readonly text: string } | { readonly killed: false; readonly text: string }

/** Runs a case that must kill the mutant, on the mutant. */
export async function runMutant(mutant: Mutant, killer: CaseId, profile: ProfileName): Promise<Verdict> {
  const found = caseOf(killer)
  const harness = harnessOf(profile, mutant.alterations())
  const kind = kindOf(mutant, found, harness)
  if (kind === undefined) return { killed: false, text: `${found.id} does not apply to it` }
  const failure = await failureOf(found, harness, kind)
  if (failure === undefined) return { killed: false, text: `${found.id} passes on it` }
  if (isNoVerdict(failure)) return { killed: false, text: `${found.id} finds nothing to examine: ${failure.message}` }
  if (failure instanceof Hung) return { killed: false, text: `${found.id} hangs on it` }
  return { killed: true, kind, text: failure.message }
}

/** The sound driver under the same case: it must pass, or the case would kill everything. A sound driver that does not claim what the case is about passes. */
export async function runSound(profile: ProfileName, killer: CaseId, kind: Kind): Promise<string | undefined> {
  const harness = harnessOf(profile)
  const found = caseOf(killer)
  if (!applies(found, kind, claimsOf(harness)[kind])) return undefined
  const failure = await failureOf(found, harness, kind)
  return failure === undefined || isNoVerdict(failure) ? undefined : failure.message
}

/** The case found that there is nothing to examine, or not all of it. */
function isNoVerdict(failure: Error): boolean {
  return failure instanceof NotApplicable || failure instanceof NotExamined
}

export function profilesOf({ profile = 'full', alsoOn = [] }: Mutant): readonly ProfileName[] {
  return [profile, ...alsoOn]
}

export function killersOf({ killedBy, alsoKilledBy = [] }: Mutant): readonly CaseId[] {
  return [killedBy, ...alsoKilledBy]
}

function caseOf(id: CaseId): ContractCase {
  const found = allCases.find((contractCase) => contractCase.id === id)
  if (found === undefined) throw new Error(`there is no case ${id}`)
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
