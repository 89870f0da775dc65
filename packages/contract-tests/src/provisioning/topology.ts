import type { Change, Endpoint, Topology } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, NotApplicable, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Place } from '../kit/place.ts'
import type { Session } from '../kit/session.ts'

const planEnds: ContractCase = {
  id: 'provisioning/plan-ends',
  title: 'what a plan found missing is there once it was applied: the next plan has nothing to create or to update',
  examines: [],
  kills: ['plan-always-creates'],
  async run(context) {
    const { topology, endpoints } = await planned(context)
    const left = (await topology.plan(endpoints, new AbortController().signal)).filter(isToDo)
    check(left.length === 0, () => `nothing is left to do; the plan says ${show(left)}`)
  },
}

const applyAgain: ContractCase = {
  id: 'provisioning/apply-again',
  title: 'applying a plan a second time does no harm, and leaves the messages that came in between',
  examines: [],
  kills: ['apply-not-idempotent', 'apply-purges'],
  async run(context) {
    const { session, topology, endpoints, changes, place } = await planned(context)
    const receives = place.capabilities.settlement !== false
    await session.send(place, ['in between'])
    await topology.apply(endpoints, changes, new AbortController().signal)
    await session.send(place, ['after'])
    if (!receives) return
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.waiting.eventually(
      () => inbox.has(['in between', 'after']),
      () => `messages of before and after arrive; only ${inbox.distinct().join(', ')} did`,
      context.harness.bounds.arrivalMs,
    )
  },
}

export const topologyCases: readonly ContractCase[] = [planEnds, applyAgain]

interface Planned {
  readonly session: Session
  readonly place: Place
  readonly topology: Topology
  readonly endpoints: readonly Endpoint[]
  /** What was to do, and has been done. */
  readonly changes: readonly Change[]
}

async function planned(context: CaseContext): Promise<Planned> {
  const session = await context.connect()
  const { topology } = session.link
  if (topology === undefined) throw new NotApplicable('the driver creates nothing')
  const name = context.uniqueName()
  const destination = context.endpoint(name)
  const source =
    context.kind === 'queue' ? destination : context.endpoint(name, {}, { name: 'sub-1', ...(context.kind === 'stream' ? { startFrom: 'earliest' } : {}) })
  const endpoints = source === destination ? [destination] : [destination, source]
  const changes = (await topology.plan(endpoints, new AbortController().signal)).filter(isToDo)
  await topology.apply(endpoints, changes, new AbortController().signal)
  return { session, topology, endpoints, changes, place: { destination, source, capabilities: await context.inspect(source) } }
}

function isToDo({ kind }: Change): boolean {
  return kind === 'create' || kind === 'update'
}
