import type { Capabilities, Refusal } from '@busbar/core/driver'
import { allCases } from './all-cases.ts'
import type { CaseId } from './case-ids.ts'
import type { ContractCase } from './case.ts'
import type { CaseOutcome, CaseResult, Certificate } from './certificate.ts'
import { kinds, type Harness, type Kind } from './harness.ts'
import { ContractViolation, NotApplicable, NotExamined } from './kit/assert.ts'
import { claimsOf } from './kit/claims.ts'
import { runCase } from './run-case.ts'
import type { Runner } from './runner.ts'

/** A case that a driver is known to fail, and why. An entry for a case that passes, or does not run, fails the suite; without a kind it must fail for each. */
export interface KnownGap {
  readonly case: CaseId
  /** Default: every kind. */
  readonly kind?: Kind
  /** One sentence for the capability matrix. */
  readonly reason: string
}

export interface ContractOptions {
  /** Printed over the cases; also the row of the capability matrix. */
  readonly name: string
  readonly harness: Harness
  readonly runner: Runner
  readonly knownGaps?: readonly KnownGap[]
  /** Default: {@link allCases}. Fewer are for working on a driver, or for another way of it to do what these examine: the certificate is of that alone. */
  readonly cases?: readonly ContractCase[]
}

/**
 * Registers every case that the driver's own capabilities call for with the runner. Nothing can be overridden: what a driver claims is examined, and what it
 * does not claim must be refused. Returns the certificate, which is complete when the runner has run everything.
 */
export function describeDriverContract({ name, harness, runner, knownGaps = [], cases = allCases }: ContractOptions): Certificate {
  const claims = claimsOf(harness)
  const certificate: Certificate = { name, label: harness.label, claims, inspected: {}, results: [] }
  const gaps = new GapsInUse(knownGaps)
  runner.describe(`driver contract: ${name}`, () => {
    for (const kind of kinds) {
      const applicable = cases.filter((contractCase) => applies(contractCase, kind, claims[kind]))
      if (applicable.length === 0) continue
      runner.describe(kind, () => {
        for (const contractCase of applicable) register(contractCase, kind)
      })
    }
    runner.it('every known gap is still a gap', async () => gaps.check(), harness.bounds.caseMs)
  })
  return certificate

  function register(contractCase: ContractCase, kind: Kind): void {
    const title = `${contractCase.id}: ${contractCase.title}`
    const record = recorder(certificate.results, contractCase, kind)
    const unexamined = whyNotExamined(contractCase, harness, claims[kind])
    if (unexamined !== undefined) {
      record('not-examined', unexamined)
      runner.skip?.(title, unexamined)
      return
    }
    const gap = gaps.find(contractCase.id, kind)
    const inspected = (capabilities: Capabilities): void => {
      const found = (certificate.inspected[kind] ??= {})
      found[contractCase.keyed === true ? 'keyed' : 'unkeyed'] = capabilities
    }
    const body = async (): Promise<void> => {
      // A runner that ends a case by itself comes back to nothing here.
      record('failed', 'it has not ended: something that the case waits for never settles, or takes longer than the bound caseMs')
      const failure = await failureOf(() => runCase(contractCase, harness, kind, inspected))
      if (failure === undefined) {
        if (gap !== undefined) gaps.passed(gap, kind)
        return record('passed')
      }
      if (failure.error instanceof NotApplicable) return record('not-applicable', failure.error.message)
      if (failure.error instanceof NotExamined) return record('not-examined', failure.error.message)
      if (gap === undefined) {
        record('failed', failure.error instanceof Error ? failure.error.message : String(failure.error))
        throw failure.error
      }
      gaps.failed(gap)
      record('gap', gap.reason)
    }
    runner.it(title, body, harness.bounds.caseMs)
  }
}

/** A case has one result: what is recorded later takes the place of what was before. */
function recorder(results: CaseResult[], { id, examines }: ContractCase, kind: Kind): (outcome: CaseOutcome, reason?: string) => void {
  let place: number | undefined
  return (outcome, reason) => {
    place ??= results.length
    results[place] = { id, kind, outcome, examines, ...(reason === undefined ? {} : { reason }) }
  }
}

/** The cases that a driver with these claims is examined by. */
export function applies(contractCase: ContractCase, kind: Kind, claims: Certificate['claims'][Kind]): boolean {
  if (contractCase.kinds !== undefined && !contractCase.kinds.includes(kind)) return false
  const claim: Capabilities | Refusal = contractCase.keyed === true ? claims.keyed : claims.unkeyed
  return !('refused' in claim) && (contractCase.applies?.(claim) ?? true)
}

/** Why this harness cannot examine the case; `undefined` if it can. */
export function whyNotExamined(contractCase: ContractCase, harness: Harness, claims: Certificate['claims'][Kind]): string | undefined {
  const missing = contractCase.faults?.filter((fault) => harness.faults?.[fault] === undefined) ?? []
  if (missing.length > 0) return `the harness cannot cause: ${missing.join(', ')}`
  if (contractCase.looksAtDeadLetters === true && harness.createDeadLetterDriver === undefined && 'refused' in claimsOf(harness).queue.unkeyed) {
    return 'the driver has no queues, and the harness no driver for dead letters'
  }
  const claim = contractCase.keyed === true ? claims.keyed : claims.unkeyed
  const waitMs = 'refused' in claim ? 0 : (contractCase.waitsMs?.(claim) ?? 0)
  if (waitMs > harness.bounds.longestWaitMs) return `it takes ${waitMs} ms, more than this harness waits (${harness.bounds.longestWaitMs})`
  return undefined
}

/** Which known gaps have shown, and for which kinds they have not. */
class GapsInUse {
  readonly #known: readonly KnownGap[]
  readonly #shown: Set<KnownGap> = new Set()
  readonly #stale: string[] = []

  constructor(known: readonly KnownGap[]) {
    this.#known = known
  }

  find(id: CaseId, kind: Kind): KnownGap | undefined {
    return this.#known.find((entry) => entry.case === id && (entry.kind === undefined || entry.kind === kind))
  }

  failed(gap: KnownGap): void {
    this.#shown.add(gap)
  }

  passed(gap: KnownGap, kind: Kind): void {
    this.#stale.push(`${gap.case} (${kind})`)
    this.#shown.add(gap)
  }

  check(): void {
    const unused = this.#known.filter((gap) => !this.#shown.has(gap)).map((gap) => `${gap.case}${gap.kind === undefined ? '' : ` (${gap.kind})`}`)
    const texts = [...this.#stale, ...unused]
    if (texts.length > 0) throw new ContractViolation(`known gaps that are none any more, or never ran: ${texts.join(', ')}`)
  }
}

async function failureOf(act: () => Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    return { error }
  }
}
