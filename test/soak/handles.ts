/** What holds resources of the system, or keeps the process alive, by kind. */
export type Handles = Readonly<Record<string, number>>

/** Of this process, now. */
export function handles(): Handles {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** Sockets that are open, also those that do not keep the process alive. Takes some milliseconds. */
export function sockets(): number {
  // Looking names up would take seconds.
  Object.assign(process.report, { excludeNetwork: true })
  const { libuv } = process.report.getReport() as unknown as { readonly libuv: readonly { readonly type: string }[] }
  return libuv.filter(({ type }) => type === 'tcp' || type === 'udp').length
}

export function sum(counts: Handles): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

/** What there is more of than there was, one text for each kind. */
export function leftovers(before: Handles, after: Handles): readonly string[] {
  return Object.entries(after).flatMap(([kind, count]) => (count > (before[kind] ?? 0) ? [`${count - (before[kind] ?? 0)} ${kind}`] : []))
}
