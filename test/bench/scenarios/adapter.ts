import type { SubjectName } from '../engine/programs.ts'
import type { Work } from '../subjects/subject.ts'

/** What a kind of broker gives the shared scenarios: its clients, and places at a server. */
export interface Adapter {
  /** Of its rows. */
  readonly title: string
  /** What sending is called there. */
  readonly verb: 'send' | 'publish'
  /** By their names in rows; `busbar` is one of them. */
  readonly clients: Readonly<Record<string, Client>>
  /** The client that ratios are taken against. */
  readonly raw: string
  /** What all of them are told. */
  readonly work: Pick<Work, 'inFlight' | 'concurrency'> & Readonly<Record<string, unknown>>
  /** A client makes what is filled for it. */
  readonly sessions?: true
  /** A queue, topic or stream for one trial, and nothing else. */
  place(wanted: WantedPlace): Promise<Place>
}

export interface Client {
  readonly program: SubjectName
  /** Told to it alone. */
  readonly work?: Readonly<Record<string, unknown>>
}

export interface WantedPlace {
  /** Letters, digits and dashes. */
  readonly name: string
  readonly client: string
  readonly work: Work
  /** Messages that {@link Place.fill} will be asked for. */
  readonly backlog: number
}

export interface Place extends AsyncDisposable {
  /** Parts of the work that tell a process where it is. */
  readonly access: Readonly<Record<string, unknown>> & Pick<Work, 'place'>
  /** Stores so many messages, as any of the clients would. */
  fill(messages: number): Promise<void>
  /** How many the server holds, handled or not, as long as they are not acked. Absent: the server does not tell. */
  count?(): Promise<number>
  /** Totals so far, such as requests. Absent: messages cost no requests. */
  usage?(): Promise<Readonly<Record<string, number>>>
}

export const busbar = 'busbar'
