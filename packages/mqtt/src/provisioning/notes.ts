import { sleep, type Services, within } from '@busbar/core/driver'
import type { Connection } from '../connection/connection.ts'
import type { Control } from '../connection/control.ts'
import { mqttError, toBrokerError } from '../errors.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import type { SessionName } from '../names.ts'
import { maxMembers } from '../options.ts'

/** What is noted of a session: MQTT has no way to ask whether one exists, or who has it. */
export interface Note {
  readonly filter: string
  /** Sessions of its source. */
  readonly members: number
  /** The link that receives from it; absent while nobody does. */
  readonly holder?: string
}

/** Notes of the sessions of one endpoint, by index. */
export type NotesOf = ReadonlyMap<number, Note>

interface Followed {
  readonly notes: Map<number, Note>
  readonly listeners: Set<(index: number) => void>
  readonly subscribed: Promise<unknown>
}

/** Kept messages come right after the broker's answer to the subscription, or never: there is no word for "that was all". So much later than what was asked for after them. */
const arrivalMs = 250

/** Notes on sessions: one retained message for each, in `<notes topic>/sessions/<base>/<index>`. What was once looked at is followed as long as the link lives. */
export class Notes {
  readonly #control: Control
  readonly #topic: string
  readonly #services: Services
  readonly #timeoutMs: number
  readonly #followed: Map<string, Followed> = new Map()

  constructor(control: Control, notesTopic: string, services: Services, timeoutMs: number) {
    this.#control = control
    this.#topic = `${notesTopic}/sessions`
    this.#services = services
    this.#timeoutMs = timeoutMs
  }

  topicOf({ base, index }: Pick<SessionName, 'base' | 'index'>): string {
    return `${this.#topic}/${base}/${index}`
  }

  /** The notes of one endpoint, which go on changing. Resolves when all of the `wanted` first indexes are there, or none comes any more. Throws `BrokerError`. */
  async of(base: string, wanted: number): Promise<NotesOf> {
    const { notes, listeners, subscribed } = this.#follow(base)
    const all = Promise.withResolvers<void>()
    const look = (): void => {
      if (Array.from({ length: wanted }, (_, index) => index).every((index) => notes.has(index))) all.resolve()
    }
    listeners.add(look)
    try {
      await subscribed
      look()
      await Promise.race([all.promise, this.#arrived()])
      return notes
    } finally {
      listeners.delete(look)
    }
  }

  /** Calls `onChange` for every note of the endpoint that comes. Returns what ends that. */
  listen(base: string, onChange: (index: number) => void): () => void {
    const { listeners } = this.#follow(base)
    listeners.add(onChange)
    return () => listeners.delete(onChange)
  }

  /** Resolves when the broker has it. Throws `BrokerError`. By the session's own connection notes are in the order in which holders have followed each other. */
  async write(name: SessionName, holder?: string, connection: Connection | undefined = this.#control.connection): Promise<void> {
    if (connection === undefined) throw this.#control.reason
    const doing = `Noting session ${name.clientId}`
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const publication = { topic: this.topicOf(name), payload: noteText(name, holder), qos: 1, retain: true } as const
    connection.publish(publication, (error) => (error ? reject(toBrokerError(error, doing)) : resolve()))
    await within(promise, this.#timeoutMs, this.#services.clock, () => mqttError('ERR_UNAVAILABLE', `${doing}: no answer within ${this.#timeoutMs} ms`))
  }

  /** What the broker had for us before now has come, however slow it is, or this process. */
  async #arrived(): Promise<void> {
    await this.#control.roundTrip()
    await sleep(this.#services.clock, arrivalMs)
  }

  #follow(base: string): Followed {
    const followed = this.#followed.get(base)
    if (followed !== undefined) return followed
    const notes = new Map<number, Note>()
    const listeners = new Set<(index: number) => void>()
    const take = (packet: ReceivedPacket): void => {
      const index = Number(packet.topic.slice(packet.topic.lastIndexOf('/') + 1))
      const note = parseNote(packet.payload.toString())
      if (note === undefined) notes.delete(index)
      else notes.set(index, note)
      for (const listener of [...listeners]) listener(index)
    }
    const subscribed = this.#control.subscribe(`${this.#topic}/${base}/+`, take)
    const fresh = { notes, listeners, subscribed }
    this.#followed.set(base, fresh)
    // Whoever asks is told; nobody may. A subscription that is there stays, whatever else goes wrong: made again it would bring no kept notes.
    subscribed.catch(() => this.#followed.get(base) === fresh && this.#followed.delete(base))
    return fresh
  }
}

/** Text of a note: `{"v":1,"filter":"$share/busbar/orders","members":4,"holder":"1f3c"}`. */
export function noteText({ filter, members }: SessionName, holder?: string): string {
  return JSON.stringify({ v: 1, filter, members, ...(holder === undefined ? {} : { holder }) })
}

/** `undefined` for what is none, or makes no sense, such as the empty message that takes a note away. */
export function parseNote(text: string): Note | undefined {
  try {
    const note = JSON.parse(text) as Readonly<Record<'v' | 'filter' | 'members' | 'holder', unknown>> | null
    const members = Number(note?.members)
    if (note?.v !== 1 || typeof note.filter !== 'string' || !Number.isInteger(note.members) || members < 1 || members > maxMembers) return undefined
    const { filter, holder } = note
    return { filter, members, ...(typeof holder === 'string' ? { holder } : {}) }
  } catch {
    return undefined
  }
}
