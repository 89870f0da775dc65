import { setTimeout as sleep } from 'node:timers/promises'

/** Watches handlers of several processes: each key must be handled by one at a time, and in the order sent once repeats are dropped. */
export class OrderWatch {
  readonly violations: string[] = []
  readonly handledBy: Map<string, number> = new Map()
  readonly seen: Set<string> = new Set()
  repeats = 0
  readonly #next: Map<string, number> = new Map()
  readonly #running: Map<string, string> = new Map()

  /** A handler for bodies `key:number`, numbered from 0 per key. */
  handler(process: string, workMs: () => number): (message: { readonly body: string }) => Promise<void> {
    return async ({ body }) => {
      const [key = '', text = ''] = body.split(':')
      const other = this.#running.get(key)
      if (other !== undefined) this.violations.push(`${body} starts in ${process} while ${other} runs`)
      this.#running.set(key, `${body} in ${process}`)
      this.#check(key, Number(text), body)
      this.handledBy.set(process, (this.handledBy.get(process) ?? 0) + 1)
      await sleep(workMs())
      this.#running.delete(key)
    }
  }

  #check(key: string, number: number, body: string): void {
    const next = this.#next.get(key) ?? 0
    if (this.seen.has(body)) this.repeats++
    else if (number !== next) this.violations.push(`${body} comes when ${key}:${next} is due`)
    this.seen.add(body)
    this.#next.set(key, Math.max(next, number + 1))
  }
}
