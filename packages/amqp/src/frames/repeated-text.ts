/** A text that comes with every message and is mostly the same, such as a routing key: where its bytes are the last ones again, so is the string. */
export class RepeatedText {
  #bytes: Uint8Array = new Uint8Array()
  #text = ''

  /** The UTF-8 text from `start` to before `end`. */
  read(buffer: Buffer, start: number, end: number): string {
    if (!this.#isAt(buffer, start, end)) {
      // A copy: a view would keep all that was received with it.
      this.#bytes = Uint8Array.from(buffer.subarray(start, end))
      this.#text = buffer.toString('utf8', start, end)
    }
    return this.#text
  }

  #isAt(buffer: Buffer, start: number, end: number): boolean {
    const bytes = this.#bytes
    if (bytes.length !== end - start) return false
    for (let i = 0; i < bytes.length; i++) if (buffer[start + i] !== bytes[i]) return false
    return true
  }
}
