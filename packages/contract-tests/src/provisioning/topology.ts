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
    const left = await toDo(topology, endpoints)
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
    await topology.apply(endpoints, changes, never)
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

const atOnce: ContractCase = {
  id: 'provisioning/at-once',
  title: 'processes that provision the same endpoints at the same time all succeed, and then there is nothing left to do',
  examines: [],
  kills: ['apply-one-at-a-time'],
  async run(context) {
    const { endpoints } = described(context)
    const [first, ...others] = await Promise.all([connected(context), connected(context), connected(context)])
    const all = [first, ...others].map(({ topology }) => topology)
    const plans = await Promise.all(all.map((topology) => toDo(topology, endpoints)))
    await Promise.all(all.map((topology, index) => topology.apply(endpoints, plans[index] ?? [], never)))
    const left = await toDo(first.topology, endpoints)
    check(left.length === 0, () => `nothing is left to do; the plan says ${show(left)}`)
  },
}

export const topologyCases: readonly ContractCase[] = [planEnds, applyAgain, atOnce]

interface Connected {
  readonly session: Session
  readonly topology: Topology
}

interface Described {
  readonly destination: Endpoint
  readonly source: Endpoint
  readonly endpoints: readonly Endpoint[]
}

interface Planned extends Connected {
  readonly place: Place
  readonly endpoints: readonly Endpoint[]
  /** What was to do, and has been done. */
  readonly changes: readonly Change[]
}

async function planned(context: CaseContext): Promise<Planned> {
  const { session, topology } = await connected(context)
  const { destination, source, endpoints } = described(context)
  const changes = await toDo(topology, endpoints)
  await topology.apply(endpoints, changes, never)
  return { session, topology, endpoints, changes, place: { destination, source, capabilities: await context.inspect(source) } }
}

async function connected(context: CaseContext): Promise<Connected> {
  const session = await context.connect()
  const { topology } = session.link
  if (topology === undefined) throw new NotApplicable('the driver creates nothing')
  return { session, topology }
}

/** Endpoints of a name that nobody else has. */
function described(context: CaseContext): Described {
  const name = context.uniqueName()
  const destination = context.endpoint(name)
  if (context.kind === 'queue') return { destination, source: destination, endpoints: [destination] }
  const source = context.endpoint(name, {}, { name: 'sub-1', ...(context.kind === 'stream' ? { startFrom: 'earliest' } : {}) })
  return { destination, source, endpoints: [destination, source] }
}

async function toDo(topology: Topology, endpoints: readonly Endpoint[]): Promise<readonly Change[]> {
  return (await topology.plan(endpoints, never)).filter(({ kind }) => kind === 'create' || kind === 'update')
}

const never = new AbortController().signal
