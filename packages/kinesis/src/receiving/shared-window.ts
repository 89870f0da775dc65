import type { Window } from '@busbar/core/driver'

/** The part of a window that one shard fills. */
export interface WindowPart {
  messages: number
  bytes: number
}

/** `full`: the window has no room for anybody. `share`: none for this message: what is left is too little for it, or is kept for other shards. */
export type Room = 'free' | 'share' | 'full'

/** The part of the window that is divided among the shards; who has more to do shares the rest. */
const reservedPart = 0.5

/**
 * One window over all shards of a receiver. Half of it is divided among them, so that a shard that is held up by one unfinished record, and fills all that it can get,
 * leaves the others room; the other half is for whoever needs it.
 *
 * A message for which there are too few bytes waits, and its shard with it, while the others go on, and might take what becomes free for ever. So one message at a
 * time is let through on top of the window, of a shard that has no other one out: the bytes that are held are those of the window and of one message at most. O(1) per message.
 */
export class SharedWindow {
  readonly #parts = new Set<WindowPart>()
  #window: Window
  /** Of each shard. */
  #reserved: Window = { messages: 0, bytes: 0 }
  #held: WindowPart = { messages: 0, bytes: 0 }
  /** The message on top of the window. It is the oldest one of its shard. */
  #extra: { readonly part: WindowPart; readonly bytes: number } | undefined
  /** Reserved and not used, of all shards. */
  #unused: WindowPart = { messages: 0, bytes: 0 }

  constructor(window: Window) {
    this.#window = window
  }

  get held(): Readonly<WindowPart> {
    return this.#held
  }

  resize(window: Window): void {
    this.#window = window
    this.#divide()
  }

  join(): WindowPart {
    const part = { messages: 0, bytes: 0 }
    this.#parts.add(part)
    this.#divide()
    return part
  }

  /** Frees all that the part fills. */
  leave(part: WindowPart): void {
    if (!this.#parts.delete(part)) return
    this.#freeExtra(part)
    this.#held.messages -= part.messages
    this.#held.bytes -= part.bytes
    this.#divide()
  }

  roomFor(part: WindowPart, bytes: number): Room {
    const { messages: most, bytes: mostBytes } = this.#window
    const { messages } = this.#held
    if (messages === 0) return 'free'
    if (messages >= most || (this.#extra !== undefined && this.#inside >= mostBytes)) return 'full'
    const inside = this.#inside + bytes
    if (inside > mostBytes) return part.messages === 0 && this.#extra === undefined && this.#inside <= mostBytes ? 'free' : 'share'
    // What a shard needs for its first message is only refused by the window itself: a message may be larger than what is reserved for each.
    if (part.messages === 0) return 'free'
    const others = this.#unused.messages - unused(this.#reserved.messages, part.messages)
    const othersBytes = this.#unused.bytes - unused(this.#reserved.bytes, part.bytes)
    return messages + 1 + others <= most && inside + othersBytes <= mostBytes ? 'free' : 'share'
  }

  /** Call it where there is room. */
  take(part: WindowPart, bytes: number): void {
    if (this.#inside + bytes > this.#window.bytes) this.#extra = { part, bytes }
    this.#change(part, 1, bytes)
  }

  /** The oldest ones of the part. */
  free(part: WindowPart, messages: number, bytes: number): void {
    if (messages === 0 || !this.#parts.has(part)) return
    this.#freeExtra(part)
    this.#change(part, -messages, -bytes)
  }

  /** Bytes that are held without those on top. */
  get #inside(): number {
    return this.#held.bytes - (this.#extra?.bytes ?? 0)
  }

  #freeExtra(part: WindowPart): void {
    if (this.#extra?.part === part) this.#extra = undefined
  }

  #change(part: WindowPart, messages: number, bytes: number): void {
    const { messages: reserved, bytes: reservedBytes } = this.#reserved
    this.#unused.messages += unused(reserved, part.messages + messages) - unused(reserved, part.messages)
    this.#unused.bytes += unused(reservedBytes, part.bytes + bytes) - unused(reservedBytes, part.bytes)
    part.messages += messages
    part.bytes += bytes
    this.#held.messages += messages
    this.#held.bytes += bytes
  }

  #divide(): void {
    const shards = Math.max(1, this.#parts.size)
    const { messages, bytes } = this.#window
    this.#reserved = {
      // One each as long as there are as many.
      messages: Math.max(messages >= shards ? 1 : 0, Math.floor((messages * reservedPart) / shards)),
      bytes: Math.floor((bytes * reservedPart) / shards),
    }
    this.#unused = { messages: 0, bytes: 0 }
    for (const part of this.#parts) {
      this.#unused.messages += unused(this.#reserved.messages, part.messages)
      this.#unused.bytes += unused(this.#reserved.bytes, part.bytes)
    }
  }
}

function unused(reserved: number, used: number): number {
  return Math.max(0, reserved - used)
}
