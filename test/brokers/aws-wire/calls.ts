/** Counts what clients asked for, whatever the answer was. */
export class Calls {
  readonly #counts = new Map<string, Map<string, number>>()

  /** @internal */
  add(action: string, resource: string): void {
    let byResource = this.#counts.get(action)
    if (byResource === undefined) this.#counts.set(action, (byResource = new Map()))
    byResource.set(resource, (byResource.get(resource) ?? 0) + 1)
  }

  /** Calls of `action` (default: of all), for the queue or topic of that name (default: for all). */
  count(action?: string, resource?: string): number {
    let sum = 0
    for (const [name, byResource] of this.#counts) {
      if (action !== undefined && action !== name) continue
      for (const [where, count] of byResource) if (resource === undefined || resource === where) sum += count
    }
    return sum
  }

  /** Calls by action. */
  byAction(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts.keys()].map((action) => [action, this.count(action)]))
  }

  /** What was called, each action and resource once. */
  pairs(): readonly { readonly action: string; readonly resource: string }[] {
    return [...this.#counts].flatMap(([action, byResource]) => [...byResource.keys()].map((resource) => ({ action, resource })))
  }

  /** Counts from zero again. */
  reset(): void {
    this.#counts.clear()
  }
}
