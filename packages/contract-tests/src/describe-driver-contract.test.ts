import { describe, expect, it } from 'vitest'
import type { Driver } from '@busbar/core/driver'
import type { ContractCase } from './case.ts'
import { describeDriverContract, type KnownGap } from './describe-driver-contract.ts'
import type { Harness } from './harness.ts'
import { ContractViolation, NotApplicable, NotExamined } from './kit/assert.ts'
import type { Runner } from './runner.ts'

const queuesOnly: Driver['capabilities'] = ({ kind }) =>
  kind === 'queue' ? ({ kind: 'queue', lease: false } as never) : { refused: 'it has queues only', remedy: 'use a queue' }

const refusing: Driver = {
  name: 'nothing',
  capabilities: queuesOnly,
  address: ({ name }) => name,
  connect: () => Promise.reject(new Error('not in these tests')),
}

const clock: Harness['clock'] = {
  now: () => 0,
  monotonic: () => 0,
  timer: () => ({ cancel: () => {} }),
  external: (operation) => operation,
}

const harness: Harness = {
  label: { driver: 'nothing', version: '1', kind: 'simulator' },
  clock,
  random: () => 0.5,
  bounds: { arrivalMs: 1, quietMs: 1, reconnectMs: 1, longestWaitMs: 1_000, caseMs: 1_000 },
  createDriver: () => refusing,
  uniqueName: (prefix) => prefix,
}

function suite(
  cases: readonly Partial<ContractCase>[],
  knownGaps: readonly KnownGap[] = [],
  capabilities: Driver['capabilities'] = queuesOnly,
): { readonly run: () => Promise<string[]>; readonly outcomes: () => string[] } {
  const registered: { readonly name: string; readonly body: () => Promise<void> }[] = []
  const runner: Runner = { describe: (_name, body) => body(), it: (name, body) => void registered.push({ name, body }) }
  const complete = cases.map((part): ContractCase => ({ id: 'errors/after-close', title: 'a title', examines: [], kills: [], run: async () => {}, ...part }))
  const certificate = describeDriverContract({
    name: 'nothing',
    harness: { ...harness, createDriver: () => ({ ...refusing, capabilities }) },
    runner,
    knownGaps,
    cases: complete,
  })
  const run = async (): Promise<string[]> => {
    const failures: string[] = []
    for (const { name, body } of registered) await body().catch((error: unknown) => failures.push(`${name.split(':')[0]}: ${(error as Error).message}`))
    return failures
  }
  return { run, outcomes: () => certificate.results.map(({ id, kind, outcome }) => `${id} ${kind} ${outcome}`) }
}

const failing = async (): Promise<void> => {
  throw new ContractViolation('broken')
}

describe('describeDriverContract', () => {
  it('runs cases on the kinds that the driver has', async () => {
    const { run, outcomes } = suite([{}])
    expect(await run()).toEqual([])
    expect(outcomes()).toEqual(['errors/after-close queue passed'])
  })

  it('leaves out what the capabilities do not call for', async () => {
    const { run, outcomes } = suite([{ applies: ({ lease }) => lease !== false }])
    expect(await run()).toEqual([])
    expect(outcomes()).toEqual([])
  })

  it('fails a case that throws and records it', async () => {
    const { run, outcomes } = suite([{ run: failing }])
    expect(await run()).toEqual(['errors/after-close: broken'])
    expect(outcomes()).toEqual(['errors/after-close queue failed'])
  })

  it('records a case that never ends as failed', () => {
    const { run, outcomes } = suite([{ run: () => new Promise(() => {}) }])
    void run()
    expect(outcomes()).toEqual(['errors/after-close queue failed'])
  })

  it('takes a known gap for what it is', async () => {
    const { run, outcomes } = suite([{ run: failing }], [{ case: 'errors/after-close', reason: 'not yet' }])
    expect(await run()).toEqual([])
    expect(outcomes()).toEqual(['errors/after-close queue gap'])
  })

  it('fails for a known gap that is none any more', async () => {
    const { run } = suite([{}], [{ case: 'errors/after-close', reason: 'not yet' }])
    expect(await run()).toEqual(['every known gap is still a gap: known gaps that are none any more, or never ran: errors/after-close (queue)'])
  })

  it('fails for a known gap of every kind that is one of some kinds only', async () => {
    let runs = 0
    const run = async (): Promise<void> => {
      if (runs++ === 0) throw new ContractViolation('broken')
    }
    const everywhere = ({ kind }: { readonly kind: string }): never => ({ kind, lease: false }) as never
    const { run: runAll, outcomes } = suite([{ run }], [{ case: 'errors/after-close', reason: 'not yet' }], everywhere)
    expect(await runAll()).toEqual([
      'every known gap is still a gap: known gaps that are none any more, or never ran: errors/after-close (topic), errors/after-close (stream)',
    ])
    expect(outcomes()).toEqual(['errors/after-close queue gap', 'errors/after-close topic passed', 'errors/after-close stream passed'])
  })

  it('records as not examined what a case could examine only in part', async () => {
    const { run, outcomes } = suite([
      {
        run: async () => {
          throw new NotExamined('beyond what fits')
        },
      },
    ])
    expect(await run()).toEqual([])
    expect(outcomes()).toEqual(['errors/after-close queue not-examined'])
  })

  it('records as not examined what needs a fault that the harness cannot cause, or too long a wait', async () => {
    const { run, outcomes } = suite([
      { faults: ['outage'], run: failing },
      { id: 'errors/branded', waitsMs: () => 2_000, run: failing },
    ])
    expect(await run()).toEqual([])
    expect(outcomes()).toEqual(['errors/after-close queue not-examined', 'errors/branded queue not-examined'])
  })

  it('records as not applicable what only running it could tell', async () => {
    const { run, outcomes } = suite([
      {
        run: async () => {
          throw new NotApplicable('no')
        },
      },
    ])
    expect(await run()).toEqual([])
    expect(outcomes()).toEqual(['errors/after-close queue not-applicable'])
  })
})
