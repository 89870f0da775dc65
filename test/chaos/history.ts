import { openSync, writeSync } from 'node:fs'

/**
 * What a process did, as lines of a file that it only appends to. A line is in the file when `write` returns, so that it survives the SIGKILL of its writer.
 * Times are those of the machine's monotonic clock, which all processes share.
 *
 * | event | written by | means |
 * |---|---|---|
 * | `sending id` | producers | `send` is about to be called, the first time or again |
 * | `confirmed id`, `failed id code` | producers | how that call ended |
 * | `refused id code` | producers | it failed for good: it is not sent again |
 * | `begin id attempt deliveries`, `effect id`, `failure id code` | consumers | a handler starts, has had its effect, has failed |
 * | `done id` | consumers | the chain around the handler has ended well: idempotency has remembered the message |
 * | `dead id` | consumers | it was received from the dead-letter place |
 * | `left count` | consumers | messages that the broker has, when all is handled |
 * | `memory bytes` | all | resident set |
 * | `wrong text` | all | a promise was seen broken |
 * | `note text` | all | a warning of the product; nothing is wrong with it |
 * | `end` | all | it has ended as it was told to |
 * | `killed process` | the script | SIGKILL has just ended that process |
 * | `fault name`, `over name` | the script | a fault begins, ends |
 */
export type EventKind =
  | 'sending'
  | 'confirmed'
  | 'failed'
  | 'refused'
  | 'begin'
  | 'effect'
  | 'failure'
  | 'done'
  | 'dead'
  | 'left'
  | 'memory'
  | 'wrong'
  | 'note'
  | 'end'
  | 'killed'
  | 'fault'
  | 'over'

export interface HistoryEvent {
  /** Nanoseconds. */
  readonly at: number
  readonly kind: EventKind
  /** An id, a name, a number or a text, as the kind says; empty if it has none. */
  readonly what: string
  /** The rest of the line. */
  readonly detail: string
}

export class HistoryWriter {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  write(kind: EventKind, what: string | number = '', detail: string | number = ''): void {
    writeSync(this.#file, `${now()}\t${kind}\t${oneLine(what)}\t${oneLine(detail)}\n`)
  }
}

/** Throws for a line that is none. */
export function parseEvent(line: string): HistoryEvent {
  const [at = '', kind = '', what = '', ...detail] = line.split('\t')
  if (!/^\d+$/.test(at) || kind === '') throw new Error(`no line of a history: ${line}`)
  return { at: Number(at), kind: kind as EventKind, what, detail: detail.join(' ') }
}

/** Nanoseconds of the machine's monotonic clock. Exact for 100 days after it was started. */
export function now(): number {
  return Number(process.hrtime.bigint())
}

function oneLine(text: string | number): string {
  return typeof text === 'number' ? String(text) : text.replaceAll(/\s+/g, ' ').slice(0, 500)
}
