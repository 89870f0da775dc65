/** A message as the facts describe it, with nothing of the engine. */
export interface ModelMessage {
  readonly body: string
  readonly group: string
  readonly dueAt: number
  /** Hidden until then. */
  visibleAt: number
  receives: number
  deleted: boolean
  /** Handles in the order received, and which of them, by index, the last receive gave. */
  readonly handles: string[]
}

/** What a settlement by a handle must answer. */
export type Expected = 'ok' | 'refused'

/**
 * A queue by the rules of the reference alone: visibility, late receipts and, for FIFO, the visible prefix of each group. It does not say which message or group comes
 * next: it judges what came.
 */
export class ModelQueue {
  readonly messages: ModelMessage[] = []
  readonly #fifo: boolean

  constructor(fifo: boolean) {
    this.#fifo = fifo
  }

  send(body: string, group: string, now: number, delayMs: number): void {
    this.messages.push({ body, group, dueAt: now + delayMs, visibleAt: now + delayMs, receives: 0, deleted: false, handles: [] })
  }

  /** What is wrong with a receive that brought these bodies; `undefined` if it is legal. Takes note of it. */
  receive(
    got: readonly { readonly body: string; readonly handle: string; readonly count: number }[],
    max: number,
    visibilityMs: number,
    now: number,
  ): string | undefined {
    const wrong = this.#fifo
      ? this.#judgeGroups(
          got.map(({ body }) => body),
          max,
          now,
        )
      : this.#judgeSet(
          got.map(({ body }) => body),
          max,
          now,
        )
    if (wrong !== undefined) return wrong
    for (const { body, handle, count } of got) {
      const message = this.messages.find((candidate) => candidate.body === body) as ModelMessage
      if (++message.receives !== count) return `${body} is counted ${count}, not ${message.receives}`
      if (message.handles.includes(handle)) return `${body} has an old handle`
      message.handles.push(handle)
      message.visibleAt = now + visibilityMs
    }
    return undefined
  }

  delete(message: ModelMessage, handle: string, now: number): Expected {
    const latest = message.handles.at(-1) === handle
    if (message.deleted) return 'ok'
    if (this.#fifo && (!latest || message.visibleAt <= now)) return 'refused'
    if (latest) message.deleted = true
    return 'ok'
  }

  change(message: ModelMessage, handle: string, ms: number, now: number): Expected {
    if (message.deleted) return 'refused'
    if (this.#fifo && (message.handles.at(-1) !== handle || message.visibleAt <= now)) return 'refused'
    if (ms > 0 || message.visibleAt > now) message.visibleAt = now + ms
    return 'ok'
  }

  counts(now: number): { ready: number; inFlight: number; delayed: number } {
    const left = this.messages.filter(({ deleted }) => !deleted)
    const hidden = left.filter(({ visibleAt }) => visibleAt > now)
    return {
      ready: left.length - hidden.length,
      inFlight: hidden.filter(({ receives }) => receives > 0).length,
      delayed: hidden.filter(({ receives }) => receives === 0).length,
    }
  }

  #judgeSet(got: readonly string[], max: number, now: number): string | undefined {
    const visible = this.messages.filter(({ deleted, visibleAt }) => !deleted && visibleAt <= now).map(({ body }) => body)
    const illegal = got.filter((body) => !visible.includes(body))
    if (illegal.length > 0) return `${illegal.join()} should be hidden`
    if (new Set(got).size < got.length) return `${got.join()} has one twice`
    return got.length === Math.min(max, visible.length) ? undefined : `${got.length} came of ${visible.length}`
  }

  /** Groups come one after another, each with its whole visible prefix; only the last may be cut off by `max`. */
  #judgeGroups(got: readonly string[], max: number, now: number): string | undefined {
    const prefixes = new Map<string, string[]>()
    for (const group of new Set(this.messages.map((message) => message.group))) {
      const left = this.messages.filter((message) => message.group === group && !message.deleted)
      const end = left.findIndex(({ visibleAt }) => visibleAt > now)
      const prefix = (end < 0 ? left : left.slice(0, end)).map(({ body }) => body)
      if (prefix.length > 0) prefixes.set(group, prefix)
    }
    let rest = got
    while (rest.length > 0) {
      const group = this.messages.find(({ body }) => body === rest[0])?.group ?? ''
      const prefix = prefixes.get(group) ?? []
      const taken = prefix.slice(0, rest.length)
      if (taken.length === 0 || taken.some((body, index) => rest[index] !== body))
        return `${got.join()} is not made of the prefixes ${[...prefixes.values()].join(' | ')}`
      if (taken.length < prefix.length && got.length < max) return `${group} was cut off at ${taken.length}`
      prefixes.delete(group)
      rest = rest.slice(taken.length)
    }
    return prefixes.size > 0 && got.length < max ? `${[...prefixes.keys()].join()} did not come` : undefined
  }
}
