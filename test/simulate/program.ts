import {
  createBroker,
  exponential,
  isBrokerError,
  queue,
  type Broker,
  type Clock,
  stream,
  topic,
  type Message,
  type Queue,
  type Stream,
  type Subscription,
  type Topic,
} from '@busbar/core'
import { idempotency } from '@busbar/middleware/idempotency'
import { retry } from '@busbar/middleware/retry'
import { memory, memoryStore, seededRandom, virtualClock, type MemoryDriver, type ProfileName } from '@busbar/memory'
import type { Driver } from '@busbar/core/driver'
import type { Promised } from './check.ts'
import { emptyHistory, type History, type Sent } from './history.ts'
import { holdingsOf } from './holdings.ts'
import { Process, type Wrap } from './process.ts'

interface Job {
  readonly id: string
  readonly key: string
}

export interface Schedule {
  readonly history: History
  readonly promised: Promised
  /** One line per event at the broker; the same for the same seed, byte for byte. */
  readonly trace: readonly string[]
  readonly setting: string
}

export interface Setting {
  readonly profile: ProfileName
  readonly kind: 'queue' | 'topic' | 'stream'
  /** Order per key is promised. */
  readonly ordered: boolean
  /** Several processes may consume at once. */
  readonly competing: boolean
}

export const settings: readonly Setting[] = [
  { profile: 'full', kind: 'queue', ordered: true, competing: true },
  { profile: 'full', kind: 'topic', ordered: true, competing: true },
  { profile: 'full', kind: 'stream', ordered: true, competing: true },
  { profile: 'sqs-fifo', kind: 'queue', ordered: true, competing: true },
  { profile: 'sqs-standard', kind: 'queue', ordered: false, competing: true },
  { profile: 'sns', kind: 'topic', ordered: false, competing: true },
  { profile: 'rabbitmq', kind: 'queue', ordered: true, competing: true },
  { profile: 'rabbitmq', kind: 'topic', ordered: true, competing: true },
  { profile: 'kinesis', kind: 'stream', ordered: true, competing: true },
  { profile: 'kinesis', kind: 'queue', ordered: true, competing: true },
  { profile: 'mqtt', kind: 'topic', ordered: true, competing: false },
]

type Destination = Queue<Job> | Topic<Job> | Stream<Job>
type Source = Queue<Job> | Subscription<Job>

function define(kind: Setting['kind']): { destination: Destination; source: Source } {
  const options = { orderingKey: (job: Job) => job.key, messageId: (job: Job) => job.id }
  if (kind === 'queue') {
    const jobs = queue<Job>('jobs', options)
    return { destination: jobs, source: jobs }
  }
  const jobs = kind === 'topic' ? topic<Job>('jobs', options) : stream<Job>('jobs', options)
  return { destination: jobs, source: jobs.subscription('work') }
}

/** Longest that a schedule may take in virtual time before what is missing counts as lost or stuck. */
const patienceMs = 6 * 3_600_000

/** The first thing that a seed decides. */
export function settingOf(random: () => number): Setting {
  return settings[Math.floor(random() * settings.length)] as Setting
}

/** Leases of a receiver that hands nothing back end within this. */
const lateMs = 60_000

/** Runs one whole program, two processes that send and consume under random faults, decided by the seed alone. `wrap` breaks the driver. */
export async function runSchedule(seed: number, wrap?: Wrap): Promise<Schedule> {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const { profile, kind, ordered, competing } = settingOf(random)
  const clock = virtualClock()
  const trace: string[] = []
  const history = emptyHistory()
  const driver = memory({
    profile,
    clock,
    seed,
    faults: { random: { probability: random() * 0.2, budget: 20 + below(30), maxMs: 20_000 } },
    trace: (line) => trace.push(line),
  })
  // Dead letters go where nothing is disturbed, and where every profile can send.
  const deadLetters = memory({ clock, seed })
  countCopies(driver, deadLetters, history)

  const promised = { ordered, once: true, individually: profile !== 'kinesis' && profile !== 'mqtt' && kind !== 'stream' }
  const { destination, source } = define(kind)
  const store = memoryStore({ clock })
  const failing = random() * 0.3
  const poison = random() * 0.05
  const program = new Program({ clock, random, history, failing, poison })
  const start = (name: string): Process => {
    const begin = (seen: Driver): Broker =>
      createBroker({
        driver: seen,
        destinations: [destination, source],
        routes: { jobs: { deadLetter: { driver: deadLetters }, ...(ordered ? {} : { ordering: 'best-effort' }) } },
        provision: 'create',
        clock,
        random: seededRandom(seed * 31 + name.length + name.charCodeAt(0)),
        log: () => undefined,
      })
    return new Process(driver, history, begin, wrap)
  }
  const consume = async (process: Process): Promise<void> => {
    await process.broker.consume(source, (message) => program.handle(message, process), {
      concurrency: 1 + below(8),
      use: [idempotency({ store }), retry({ maxAttempts: 2 + below(4), backoff: exponential({ initialMs: 50 + below(500), maxMs: 20_000, jitter: 'full' }) })],
    })
  }

  const first = start('first')
  const second = start('second')
  await Promise.all([...(competing ? [consume(first)] : []), consume(second)])
  const sending = program.sendAll(first.broker, destination, 20 + below(30), 1 + below(6))
  await program.sleep(below(10_000))
  // A process leaves in the middle and another takes its place.
  await second.drain({ timeoutMs: 1 + below(60_000) })
  const third = start('third')
  await consume(third)
  await program.settledOrStuck(sending)
  await program.accountedFor(async () => program.collectDeadLetters(third.broker, source))
  await program.empty(driver)
  await Promise.all([first.drain(), third.drain()])
  await program.sleep(lateMs)
  history.leftovers = holdingsOf(driver)
  return { history, promised, trace, setting: `${profile}, ${kind}` }
}

interface ProgramOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly history: History
  readonly failing: number
  readonly poison: number
}

class Program {
  readonly #options: ProgramOptions
  readonly #effects: Set<string> = new Set()
  #onHandled: (() => void) | undefined

  constructor(options: ProgramOptions) {
    this.#options = options
  }

  async handle(message: Message<Job>, process: Process): Promise<void> {
    const { random, failing, poison, history } = this.#options
    process.started()
    const { id } = message.body
    // Decided by the id, so that every attempt of a poison message fails.
    const poisoned = (Number(id.slice(1)) * 2_654_435_761) % 1_000 < poison * 1_000
    if (random() < 0.5) await this.sleep(random() * 2_000)
    if (poisoned || random() < failing) throw new Error('the handler fails')
    this.#effects.add(id)
    history.effects.set(id, (history.effects.get(id) ?? 0) + 1)
    history.concluded.push(id)
    this.#onHandled?.()
  }

  async sendAll(broker: Broker, destination: Destination, count: number, keys: number): Promise<void> {
    const { random, history } = this.#options
    const producer = broker.producer(destination)
    const open: Promise<void>[] = []
    for (let number = 0; number < count; number++) {
      const job: Job = { id: `m${number}`, key: `k${Math.floor(random() * keys)}` }
      const sent: Sent = { id: job.id, key: job.key, number, outcome: 'pending' }
      history.sent.set(job.id, sent)
      open.push(
        producer.send(job, { timeoutMs: 120_000 }).then(
          () => void (sent.outcome = 'confirmed'),
          (error: unknown) => void (sent.outcome = isBrokerError(error) && error.code === 'ERR_UNCONFIRMED' ? 'unknown' : 'failed'),
        ),
      )
      if (random() < 0.3) await this.sleep(random() * 500)
    }
    await Promise.all(open)
  }

  sleep(ms: number): Promise<void> {
    const { clock } = this.#options
    return new Promise((resolve) => void clock.timer(clock.monotonic() + ms, resolve))
  }

  async settledOrStuck(work: Promise<unknown>): Promise<void> {
    const { history } = this.#options
    let open = true
    await Promise.race([work.finally(() => (open = false)), this.sleep(patienceMs)])
    if (open) history.unsettledPromises++
  }

  /** Waits until every confirmed message is handled or dead-lettered, or patience ends. */
  async accountedFor(collectDeadLetters: () => Promise<void>): Promise<void> {
    const { clock, history } = this.#options
    const deadline = clock.monotonic() + patienceMs
    const missing = (): boolean =>
      [...history.sent.values()].some(({ id, outcome }) => outcome === 'confirmed' && !this.#effects.has(id) && !history.deadLettered.has(id))
    while (missing() && clock.monotonic() < deadline) {
      await Promise.race([new Promise<void>((resolve) => (this.#onHandled = resolve)), this.sleep(60_000)])
      if (missing()) await collectDeadLetters()
    }
    await collectDeadLetters()
  }

  /** Waits until the broker has nothing left: copies too are settled in the end. Gives up when patience ends. */
  async empty(driver: MemoryDriver): Promise<void> {
    const { clock } = this.#options
    const deadline = clock.monotonic() + patienceMs
    const left = (): number => Object.values(holdingsOf(driver)).reduce((sum: number, count: number) => sum + count, 0)
    while (left() > 0 && clock.monotonic() < deadline) await this.sleep(1_000)
  }

  async collectDeadLetters(broker: Broker, source: Source): Promise<void> {
    for (const deadLetter of await broker.deadLetters(source).peek({ max: 1_000 })) if (deadLetter.id) this.#options.history.deadLettered.add(deadLetter.id)
  }
}

/** What the broker stored of each message, and how often it let one go for good. */
function countCopies(driver: MemoryDriver, deadLetters: MemoryDriver, history: History): void {
  deadLetters.observe(({ kind, message }) => {
    if (kind === 'stored' && message?.id !== undefined) history.concluded.push(message.id)
  })
  driver.observe(({ kind, message }) => {
    const id = message?.id
    if (id === undefined) return
    if (kind === 'stored') history.copies.set(id, (history.copies.get(id) ?? 0) + 1)
    if (kind === 'acked') history.acks.set(id, (history.acks.get(id) ?? 0) + 1)
  })
}
