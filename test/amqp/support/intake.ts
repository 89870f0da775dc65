import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerError, Delivery, Intake, Receiver, Scope, SettleResult } from '@busbar/core/driver'

/** What a test wants done with a delivery; `hold` leaves it unsettled. */
export type Decision = 'ack' | 'hold' | { readonly retryMs: number }

/** The least that stands in for core: keeps what comes, and settles as the test decides. */
export class FakeIntake implements Intake {
  readonly deliveries: Delivery[] = []
  readonly lostScopes: { readonly scope: Scope; readonly reason: BrokerError }[] = []
  readonly failures: { readonly error: BrokerError; readonly fatal: boolean }[] = []
  recoveries = 0
  readonly revoked: Scope[] = []
  readonly settled: SettleResult[] = []
  receiver!: Receiver
  /** Runs when a scope is asked back. */
  onRevoke: (scope: Scope) => Promise<void> = () => Promise.resolve()
  readonly #decide: (delivery: Delivery) => Decision | Promise<Decision>

  constructor(decide: (delivery: Delivery) => Decision | Promise<Decision> = () => 'ack') {
    this.#decide = decide
  }

  get bodies(): string[] {
    return this.deliveries.map(bodyOf)
  }

  deliver(deliveries: readonly Delivery[]): void {
    this.deliveries.push(...deliveries)
    for (const delivery of deliveries) void this.#handle(delivery)
  }

  lost(scope: Scope, reason: BrokerError): void {
    this.lostScopes.push({ scope, reason })
  }

  async revoke(scope: Scope): Promise<void> {
    this.revoked.push(scope)
    await this.onRevoke(scope)
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.failures.push({ error, fatal })
  }

  recovered(): void {
    this.recoveries++
  }

  async settle(delivery: Delivery, decision: Decision = 'ack'): Promise<SettleResult | undefined> {
    if (decision === 'hold') return undefined
    const outcome =
      decision === 'ack'
        ? ({ delivery, action: 'ack' } as const)
        : ({ delivery, action: 'retry', delayMs: decision.retryMs, attempt: delivery.incoming.attempt + 1 } as const)
    const [result] = await this.receiver.settle([outcome])
    if (result !== undefined) this.settled.push(result)
    return result
  }

  async #handle(delivery: Delivery): Promise<void> {
    const decision = this.#decide(delivery)
    await this.settle(delivery, decision instanceof Promise ? await decision : decision)
  }
}

export function bodyOf(delivery: Delivery): string {
  return typeof delivery.incoming.body === 'string' ? delivery.incoming.body : Buffer.from(delivery.incoming.body).toString()
}

/** Waits for a condition; a test that waits in vain fails with `what`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs: number = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await sleep(10)
  }
}
