/**
 * `source` with its comments blanked out, so that an import or a call in an example is not taken for a real one.
 * Positions and line numbers stay the same. Texts are kept; a `//` inside a regular expression literal must be written `\/\/`, as it has to be anyway.
 */
export function withoutComments(source: string): string {
  return source.replaceAll(/("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[^]*?\*\//g, (match, text: string | undefined) =>
    text === undefined ? match.replaceAll(/[^\n]/g, ' ') : match,
  )
}

/** Module specifiers of all imports and re-exports, static and dynamic, types included. */
export function importsOf(source: string): string[] {
  const text = withoutComments(source)
  const statements = text.matchAll(/\b(?:import|export)\b(?:[\w\s{},*$]+?\bfrom)?\s*(['"])([^'"\n]+)\1/g)
  const calls = text.matchAll(/\b(?:import|require)\s*\(\s*(['"])([^'"\n]+)\1/g)
  return [...statements, ...calls].flatMap((match) => match[2] ?? [])
}
