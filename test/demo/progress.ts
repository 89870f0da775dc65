const everyTtyMs = 100
const everyLineMs = 1_000

/** One line that is rewritten on a terminal; a line a second elsewhere. `snapshot` gives its text. */
export class Progress implements Disposable {
  readonly #snapshot: () => string
  readonly #timer: NodeJS.Timeout
  #last = ''

  constructor(snapshot: () => string) {
    this.#snapshot = snapshot
    this.#timer = setInterval(() => this.#draw(), process.stdout.isTTY ? everyTtyMs : everyLineMs)
  }

  /** A line of its own that stays. */
  say(text: string): void {
    this.#clear()
    console.log(text)
    if (process.stdout.isTTY) this.#draw()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#clear()
    this.#last = ''
  }

  #draw(): void {
    const text = this.#snapshot()
    if (process.stdout.isTTY) process.stdout.write(`\r\u001B[2K${text.slice(0, (process.stdout.columns || 80) - 1)}`)
    else if (text !== this.#last) console.log(text)
    this.#last = text
  }

  #clear(): void {
    if (process.stdout.isTTY && this.#last !== '') process.stdout.write('\r\u001B[2K')
  }
}
