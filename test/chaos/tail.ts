import { open, type FileHandle } from 'node:fs/promises'
import { parseEvent, type HistoryEvent } from './history.ts'

const chunkBytes = 1 << 20

/** Reads a history while it is written. */
export class Tail {
  readonly #path: string
  readonly #buffer = Buffer.alloc(chunkBytes)
  #file: FileHandle | undefined
  #rest = ''

  constructor(path: string) {
    this.#path = path
  }

  /** Hands over what was added since the last call. A line that is not complete waits. */
  async read(take: (event: HistoryEvent) => void): Promise<void> {
    this.#file ??= await open(this.#path, 'r').catch(() => undefined)
    for (;;) {
      const bytes = (await this.#file?.read(this.#buffer, 0, chunkBytes, null))?.bytesRead ?? 0
      if (bytes === 0) return
      // All that is written is ASCII or may be damaged without harm: no character is cut in two that matters.
      const lines = (this.#rest + this.#buffer.toString('latin1', 0, bytes)).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) take(parseEvent(line))
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}
