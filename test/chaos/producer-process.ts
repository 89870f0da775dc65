/** Sends messages at a steady rate, whatever happens, some more until it is told to end, and ends when all are confirmed. Its argument is a {@link ProducerSettings} as JSON. */
import { setTimeout as pause } from 'node:timers/promises'
import { seededRandom } from '@busbar/memory'
import { Child } from './child.ts'
import { Outbox } from './outbox.ts'
import { dueAfter } from './pace.ts'
import type { ProducerSettings } from './settings.ts'
import { workloadOf } from './workload.ts'

/** Not confirmed by the broker; more wait until there is room, as in a service with a bounded outbox. */
const mostOpen = 4_000
const turnMs = 10

const child = new Child<ProducerSettings>()
const { name, messages, perSecond, keys, backend, seed } = child.settings
const { destination, definitions } = workloadOf(backend.kind)
const broker = await child.connect(definitions)
const producer = broker.producer(destination, { timeoutMs: 5_000 })
const outboxes = Array.from({ length: keys }, (_, key) => new Outbox(name, `k${key}`, producer, child.history))
const random = seededRandom(seed)
const open = (): number => outboxes.reduce((sum, outbox) => sum + outbox.open, 0)

const began = performance.now()
for (let sent = 0; sent < messages || !child.mayEnd;) {
  const due = dueAfter((performance.now() - began) / 1_000, { messages, perSecond })
  let room = mostOpen - open()
  for (; sent < due && room > 0; sent++, room--) outboxes[Math.floor(random() * keys)]?.add()
  await pause(turnMs)
}
while (open() > 0) await pause(turnMs)
await broker.drain()
child.end()
