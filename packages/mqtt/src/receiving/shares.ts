import type { NotesOf } from '../provisioning/notes.ts'

/** What a member knows when it looks whether it has its share. */
export interface Outlook {
  readonly notes: NotesOf
  /** Sessions of the queue. */
  readonly members: number
  /** Its own name in the notes. */
  readonly holder: string
  /** Indexes of the sessions that it has. */
  readonly held: ReadonlySet<number>
  /** Has nobody had this session for long? Then whoever sees it takes it, share or not. */
  readonly stranded: (index: number) => boolean
  /** Does its holder no longer answer? Then it is as good as free. */
  readonly gone: (index: number) => boolean
  /** Has it given this session to somebody, who may not have it yet? */
  readonly yielded: (index: number) => boolean
}

/** What to do next: connect to a session that nobody has, ask its holder for one, or nothing. */
export type Step = { readonly take: number } | { readonly ask: number } | undefined

/** Sessions are shared evenly among those who hold some and oneself. Pure. */
export function nextStep({ notes, members, holder, held, stranded, gone, yielded }: Outlook): Step {
  const others = new Map<string, number[]>()
  const free: number[] = []
  for (let index = 0; index < members; index++) {
    if (held.has(index)) continue
    const other = notes.get(index)?.holder
    // A note of ours for a session that we don't have is from before we lost it.
    if (other === undefined || other === holder || gone(index)) free.push(index)
    else others.set(other, [...(others.get(other) ?? []), index])
  }
  const processes = others.size + 1
  const takeable = free.find((index) => stranded(index) || gone(index) || (!yielded(index) && held.size < Math.ceil(members / processes)))
  if (takeable !== undefined) return { take: takeable }
  if (free.length > 0 || held.size >= Math.floor(members / processes)) return undefined
  const richest = [...others.values()].reduce<readonly number[]>((most, indexes) => (indexes.length > most.length ? indexes : most), [])
  const asked = richest.length > held.size + 1 || (held.size === 0 && richest.length > 1) ? richest.at(-1) : undefined
  return asked === undefined ? undefined : { ask: asked }
}
