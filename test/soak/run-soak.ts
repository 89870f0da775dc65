import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { connect, systemClock } from '@busbar/core'
import { memory, memoryStore } from '@busbar/memory'
import { driversWith } from '../chaos/drivers.ts'
import { handles, leftovers, sockets, sum } from './handles.ts'
import { Load } from './load.ts'
import type { Sample, SoakResult, SoakSettings } from './protocol.ts'
import type { LiveTimers } from './timers.ts'

const samples = 120
const leastSampleMs = 500
/** Sockets take a moment to end. */
const endingMs = 5_000

/** One broker, from its connection to its drain. */
export async function runSoak({ backend, rate, seconds }: SoakSettings, timers: LiveTimers): Promise<SoakResult> {
  const load = new Load(backend.kind)
  process.on('unhandledRejection', (reason) => load.trouble(`a promise was left to reject: ${String(reason)}`))
  process.on('uncaughtException', (error) => load.trouble(`an uncaught exception: ${error.stack}`))
  process.on('warning', (warning) => warning.name === 'ExperimentalWarning' || load.trouble(`a warning: ${warning.stack}`))
  const collect = collector()
  // Whoever writes first opens them.
  void [process.stdout, process.stderr]
  const before = { handles: handles(), sockets: sockets(), timers: timers.count }
  const broker = await connect(backend.configuration, {
    drivers: [memory, ...driversWith(memoryStore({ clock: systemClock }))],
    destinations: load.definitions,
    provision: 'create',
    log: (level, event, data) => load.note(level, event, data),
  })
  await load.consume(broker)
  const taken: Sample[] = []
  const sampling = setInterval(() => taken.push(sample(collect, timers)), Math.max(leastSampleMs, (seconds * 1_000) / samples))
  await load.produce(broker, rate, seconds)
  clearInterval(sampling)
  const draining = performance.now()
  await broker.drain()
  const drainMs = Math.round(performance.now() - draining)
  const ended = (): boolean => leftovers(before.handles, handles()).length === 0 && timers.count <= before.timers && sockets() <= before.sockets
  for (const end = performance.now() + endingMs; !ended() && performance.now() < end;) await pause(100)
  const { sent, handled, retried, deadLetters, replies, lost, unexpected, troubles, notes } = load
  return {
    samples: taken,
    ...{ sent, handled, retried, deadLetters, replies, lost, unexpected, troubles, notes: Object.fromEntries(notes) },
    handlesBefore: before.handles,
    handlesAfter: handles(),
    socketsBefore: before.sockets,
    socketsAfter: sockets(),
    timersAfter: timers.count <= before.timers ? [] : timers.places,
    drainMs,
  }
}

function sample(collect: () => void, timers: LiveTimers): Sample {
  collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, resident: rss, handles: sum(handles()), timers: timers.count }
}

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
