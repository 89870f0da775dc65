import { check } from '../kit/assert.ts'
import type { Runner } from '../runner.ts'
import { allStoreCases } from './all-cases.ts'
import type { StoreCaseId } from './case-ids.ts'
import type { StoreCase } from './case.ts'
import { StoreContext } from './context.ts'
import type { StoreHarness } from './harness.ts'

export interface StoreContractOptions {
  /** Printed over the cases. */
  readonly name: string
  readonly harness: StoreHarness
  readonly runner: Runner
  /** Default: {@link allStoreCases}. Fewer make no certificate; for working on a store. */
  readonly cases?: readonly StoreCase[]
}

export interface StoreCaseResult {
  readonly id: StoreCaseId
  /** `not-examined`: this harness cannot cause what the case needs. */
  readonly outcome: 'passed' | 'failed' | 'not-examined'
  /** Why it failed or was not examined. */
  readonly reason?: string
}

/** What one run of the suite has found out about one store. Filled while the cases run. */
export interface StoreCertificate {
  readonly name: string
  readonly label: StoreHarness['label']
  readonly results: StoreCaseResult[]
}

/** Registers every case with the runner. Returns the certificate, which is complete when the runner has run everything. */
export function describeStoreContract({ name, harness, runner, cases = allStoreCases }: StoreContractOptions): StoreCertificate {
  const certificate: StoreCertificate = { name, label: harness.label, results: [] }
  runner.describe(`store contract: ${name}`, () => {
    runner.describe('cases', () => {
      for (const storeCase of cases) register(storeCase)
    })
    runner.it('every case has been run or said why not', async () => checkComplete(cases, certificate), harness.bounds.caseMs)
  })
  return certificate

  function register(storeCase: StoreCase): void {
    const { id } = storeCase
    const title = `${id}: ${storeCase.title}`
    const reason = whyNotExamined(storeCase, harness)
    if (reason !== undefined) {
      certificate.results.push({ id, outcome: 'not-examined', reason })
      runner.skip?.(title, reason)
      return
    }
    const body = async (): Promise<void> => {
      try {
        await runStoreCase(storeCase, harness)
      } catch (error) {
        certificate.results.push({ id, outcome: 'failed', reason: error instanceof Error ? error.message : String(error) })
        throw error
      }
      certificate.results.push({ id, outcome: 'passed' })
    }
    runner.it(title, body, harness.bounds.caseMs)
  }
}

function whyNotExamined({ faults = [], needsNotes = false }: StoreCase, harness: StoreHarness): string | undefined {
  const missing = faults.filter((fault) => harness.faults?.[fault] === undefined)
  if (missing.length > 0) return `the harness cannot cause: ${missing.join(', ')}`
  return needsNotes && harness.keepsNotes !== true ? 'the harness says that the store keeps no notes' : undefined
}

/** Runs one case with clients of its own and closes them, however it ends. */
export async function runStoreCase(storeCase: StoreCase, harness: StoreHarness): Promise<void> {
  const context = new StoreContext(harness)
  try {
    await storeCase.run(context)
  } finally {
    await context.end()
  }
}

function checkComplete(cases: readonly StoreCase[], { results }: StoreCertificate): void {
  const known = new Set(results.map(({ id }) => id))
  const missing = cases.filter(({ id }) => !known.has(id)).map(({ id }) => id)
  check(missing.length === 0, () => `no result of ${missing.join(', ')}`)
}
