/** A source file, or page. */
export interface Text {
  readonly file: string
  readonly text: string
}

// As far as the first parenthesis of the data: levels and events stand before it.
const logCall = /(?:\blog\(|\bevent: )[^()]{0,200}/g
const eventName = /'([a-z]+(?:-[a-z]+)*:[a-z]+(?:-[a-z]+)*)'/g

/** `log-events.md` has, below the heading of each package, exactly the events that its sources log. */
export function logEventErrors(sources: readonly Text[], page: string): string[] {
  const logged = new Set(sources.flatMap(({ file, text }) => eventsIn(text).map((event) => `${packageOf(file)} ${event}`)))
  const listed = new Set(sectionsOf(page).flatMap(([heading, text]) => [...text.matchAll(/^\|(.*?)\|/gm)].flatMap((row) => listedIn(heading, row[1] ?? ''))))
  if (logged.size === 0) return ['packages: no log events were found']
  return [
    ...[...logged].filter((entry) => !listed.has(entry)).map((entry) => `docs/reference/log-events.md does not list ${entry}`),
    ...[...listed].filter((entry) => !logged.has(entry)).map((entry) => `docs/reference/log-events.md lists ${entry}, which nothing logs`),
  ]
}

function eventsIn(text: string): string[] {
  return [...text.matchAll(logCall)].flatMap(([call]) => [...call.matchAll(eventName)].flatMap((match) => match[1] ?? []))
}

function packageOf(file: string): string {
  return file.split(/[/\\]/)[1] ?? ''
}

function sectionsOf(page: string): (readonly [heading: string, text: string])[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => [/^\S+/.exec(section)?.[0] ?? '', section])
}

function listedIn(heading: string, cell: string): string[] {
  return [...cell.matchAll(/`([a-z-]+:[a-z-]+)`/g)].map((match) => `${heading} ${match[1]}`)
}
