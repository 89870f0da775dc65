import { rowsOf, valueRow, type Row } from '../engine/rows.ts'
import { messagesPerSecond, type Samples } from '../engine/sample.ts'
import { median } from '../report/stats.ts'
import { busbar, type Adapter } from './adapter.ts'
import { clientsOf, nameOf, targetsOf, type Entry } from './shared.ts'

/** Of latency, by its 99th percentile: what Busbar adds to the raw client in the same round, in milliseconds. */
const maxAddedMs = 1
const gateAddedMs = 10
/** Handlers of 5 ms, some 20 in which acks are gathered, and the round trips of the last acks and of closing. */
const maxDrainMs = 50
const gateDrainMs = 500
/** Between two backlogs: the window is full with both. */
const maxGrowthBytes = 1_048_576

export function sharedRows(adapter: Adapter, entries: readonly Entry[], samples: Samples, perSecond: number): Row[] {
  return entries.flatMap((entry) => {
    const name = nameOf(adapter, entry)
    const clients = clientsOf(adapter, entry)
    if (entry.shape === 'latency') return latencyRows(adapter, name, clients, samples, perSecond)
    if (entry.shape === 'drain') return drainRows(adapter, name, clients, samples)
    if (entry.shape === 'hold') return holdRows(adapter, entry, entries, samples)
    const targets = targetsOf(entry)
    const subjects = clients.map((client) => ({ name: client, ...(client === busbar && targets.length > 0 ? { targets } : {}) }))
    return rowsOf({ name, raw: adapter.raw, subjects }, samples)
  })
}

/** The median of the rounds. */
export function figureOf(samples: Samples, scenario: string, client: string, figure: string): number {
  return median(figures(samples, scenario, client, figure))
}

/** Requests of a whole process, those that find an end included, and those before the first message. */
export function callRows(adapter: Adapter, entry: Entry, samples: Samples): Row[] {
  const name = nameOf(adapter, entry)
  const measured = clientsOf(adapter, entry).filter((client) => samples.of(name, client).length > 0)
  return measured.map((client) => valueRow(`${name}, calls`, client, figureOf(samples, name, client, 'callsPerThousand'), 'calls per 1,000 messages'))
}

function figures(samples: Samples, scenario: string, client: string, figure: string): number[] {
  return samples.of(scenario, client).map(({ numbers }) => numbers?.[figure] ?? Number.NaN)
}

/** By round: differences are taken inside each. There is none between two that both kept no pace. */
function differences(samples: Samples, scenario: string, raw: string, figure: string): number[] {
  const others = figures(samples, scenario, raw, figure)
  const all = figures(samples, scenario, busbar, figure).map((own, round) => own - (others[round] ?? Number.NaN))
  return all.filter((difference) => !Number.isNaN(difference))
}

function latencyRows({ raw }: Adapter, name: string, clients: readonly string[], samples: Samples, perSecond: number): Row[] {
  const percentiles = [
    ['p50', 'p50'],
    ['p99', 'p99'],
    ['p999', 'p99.9'],
  ] as const
  const own = clients.flatMap((client) =>
    percentiles.map(([figure, text]) => valueRow(`${name}, ${text}`, client, figureOf(samples, name, client, figure), 'ms')),
  )
  const added = median(differences(samples, name, raw, 'p99'))
  // Who kept no pace has no latency that anything could be compared with.
  const kept = [busbar, raw].every((client) => Number.isFinite(figureOf(samples, name, client, 'p99')))
  const target = { text: `≤ ${maxAddedMs} ms`, met: kept && added <= maxAddedMs, within: kept && added <= gateAddedMs }
  const reached = median(samples.of(name, busbar).map(messagesPerSecond))
  return [
    valueRow(name, 'load', perSecond, 'messages/s'),
    valueRow(name, 'load, reached by busbar', reached, 'messages/s'),
    ...own,
    valueRow(`${name}, p99`, `added to ${raw}`, added, 'ms', target),
    valueRow(`${name}, p99.9`, `added to ${raw}`, median(differences(samples, name, raw, 'p999')), 'ms'),
  ]
}

function drainRows({ raw }: Adapter, name: string, clients: readonly string[], samples: Samples): Row[] {
  const row = (client: string): Row => {
    const ms = figureOf(samples, name, client, 'drainMs')
    const target = { text: `≤ ${maxDrainMs} ms`, met: ms <= maxDrainMs, within: ms <= gateDrainMs }
    return valueRow(name, client, ms, 'ms', client === busbar ? target : undefined)
  }
  return [...clients.map(row), valueRow(name, `added to ${raw}`, median(differences(samples, name, raw, 'drainMs')), 'ms')]
}

/** The largest backlog is compared with the smallest. */
function holdRows(adapter: Adapter, entry: Entry, entries: readonly Entry[], samples: Samples): Row[] {
  const name = nameOf(adapter, entry)
  const held = (of: Entry, client: string): number => figureOf(samples, nameOf(adapter, of), client, 'heldBytes')
  const rows = clientsOf(adapter, entry).map((client) => valueRow(name, client, held(entry, client) / 2 ** 20, 'MiB held'))
  const all = entries.filter(({ shape }) => shape === 'hold').toSorted((a, b) => a.size.messages - b.size.messages)
  const [few] = all
  if (few === undefined || entry !== all.at(-1) || all.length < 2) return rows
  const growth = held(entry, busbar) - held(few, busbar)
  const target = { text: '≤ 1 MiB', met: growth <= maxGrowthBytes }
  return [...rows, valueRow(name, `more than with ${few.size.messages.toLocaleString('en')}`, growth / 2 ** 20, 'MiB held', target)]
}
