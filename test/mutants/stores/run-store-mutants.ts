import { setTimeout as sleep } from 'node:timers/promises'
import { allStoreCases, runStoreCase, type StoreCase, type StoreCaseId } from '@busbar/contract-tests/store'
import { memoryStoreHarness } from '../../contract/harness/memory-store-harness.ts'
import { allStoreMutants } from './all-store-mutants.ts'
import type { StoreMutant } from './store-mutant.ts'

/** Real time after which a case counts as hung: virtual time needs milliseconds. */
const hungMs = 20_000

export interface StoreMutantsResult {
  readonly killed: number
  readonly total: number
  /** Why a mutant survives, or is not killed by the right case alone. */
  readonly problems: readonly string[]
}

/** Runs each mutant whose name holds `wanted` through its case, and that case on the sound store. */
export async function runStoreMutants(wanted = '', log: (line: string) => void = () => {}): Promise<StoreMutantsResult> {
  const mutants = allStoreMutants.filter(({ name }) => name.includes(wanted))
  const problems: string[] = []
  let killed = 0
  for (const mutant of mutants) {
    const found = caseOf(mutant.killedBy)
    const failure = await failureOf(found, mutant.make())
    const soundFailure = await failureOf(found)
    if (failure === undefined || failure === 'hung')
      problems.push(`${mutant.name} survives: ${mutant.killedBy} ${failure === 'hung' ? 'hangs' : 'passes'} on it`)
    else if (soundFailure !== undefined) problems.push(`${mutant.name}: ${mutant.killedBy} fails on the sound store too: ${soundFailure}`)
    else {
      killed++
      log(`killed ${mutant.name} by ${mutant.killedBy}: ${failure}`)
    }
  }
  return { killed, total: mutants.length, problems: wanted === '' ? [...problems, ...namesThatDiffer()] : problems }
}

/** The rows of the kill table. */
export function storeKillTable(): string[] {
  const rows = allStoreMutants.map(({ name, fault, killedBy }) => `| \`${name}\` | ${fault} | \`${killedBy}\` | ${caseOf(killedBy).title} |`)
  return [
    '## Stores',
    '',
    `The suite for stores of claims is tested in the same way, with ${allStoreMutants.length} broken stores, each built on the memory store.`,
    '',
    '| Mutant | The store … | Killed by | … which demands that |',
    '|---|---|---|---|',
    ...rows,
    '',
  ]
}

function caseOf(id: StoreCaseId): StoreCase {
  const found = allStoreCases.find((storeCase) => storeCase.id === id)
  if (found === undefined) throw new Error(`there is no case ${id}`)
  return found
}

async function failureOf(found: StoreCase, wrap?: ReturnType<StoreMutant['make']>): Promise<string | undefined> {
  const ended = new AbortController()
  const hung = sleep(hungMs, 'hung', { signal: ended.signal }).catch(() => undefined)
  const run = async (): Promise<undefined> => {
    await runStoreCase(found, memoryStoreHarness(wrap === undefined ? {} : { wrap }))
    return undefined
  }
  try {
    return await Promise.race([run(), hung])
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    ended.abort()
  }
}

/** A case names the mutants that it kills, and a mutant the case that kills it: both must say the same. */
function namesThatDiffer(): string[] {
  const named = allStoreCases.flatMap(({ id, kills }) => kills.map((name) => `${name} by ${id}`))
  const actual = allStoreMutants.map(({ name, killedBy }) => `${name} by ${killedBy}`)
  return [
    ...named.filter((text) => !actual.includes(text)).map((text) => `a case claims to kill the store ${text}, and no mutant says so`),
    ...actual.filter((text) => !named.includes(text)).map((text) => `a store says that it is killed: ${text}, and the case does not name it`),
    ...actual.filter((text, index) => actual.indexOf(text) !== index).map((text) => `there are two stores ${text}`),
  ]
}
