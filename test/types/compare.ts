/** A diagnostic of the compiler, or an error that a comment expects. Lines count from 1. */
export interface Diagnostic {
  readonly file: string
  readonly line: number
  readonly text: string
}

const diagnosticPattern = /^(.+?)\((\d+),\d+\): error TS\d+: (.*)$/
const expectationPattern = /^\s*\/\/ error: (.+)$/

/** Reads the output of `tsc --pretty false`; indented lines belong to the diagnostic before them. What is no diagnostic of a file has line 0. */
export function readDiagnostics(output: string): Diagnostic[] {
  const found: Diagnostic[] = []
  for (const line of output.split('\n')) {
    const [, file, number, text] = diagnosticPattern.exec(line) ?? []
    const last = found.at(-1)
    if (file !== undefined && text !== undefined) found.push({ file, line: Number(number), text })
    else if (/^\s+\S/.test(line) && last !== undefined) found[found.length - 1] = { ...last, text: `${last.text}\n${line.trim()}` }
    else if (line.trim() !== '') found.push({ file: '', line: 0, text: line.trim() })
  }
  return found
}

/** Every `// error: text` comment of a source: the next line of code must have an error whose text contains it. */
export function readExpectations(file: string, source: string): Diagnostic[] {
  const lines = source.split('\n')
  return lines.flatMap((line, index) => {
    const text = expectationPattern.exec(line)?.[1]
    if (text === undefined) return []
    const code = lines.findIndex((other, at) => at > index && other.trim() !== '' && !/^\s*\/\//.test(other))
    return [{ file, line: code + 1, text }]
  })
}

/** Sentences about expected errors that did not come, or came with another text, and errors that nobody expected. */
export function compare(expected: readonly Diagnostic[], actual: readonly Diagnostic[]): string[] {
  const problems: string[] = []
  const unexpected = new Set(actual)
  for (const expectation of expected) {
    const here = actual.filter(({ file, line }) => file === expectation.file && line === expectation.line)
    const met = here.find(({ text }) => text.includes(expectation.text))
    for (const diagnostic of here) unexpected.delete(diagnostic)
    if (met !== undefined) continue
    const instead = here.length === 0 ? 'there is none' : `there is: ${here.map(({ text }) => text).join('\n')}`
    problems.push(`${expectation.file}:${expectation.line}: expected an error with the text: ${expectation.text}\n${instead}`)
  }
  for (const { file, line, text } of unexpected) problems.push(`${file}:${line}: unexpected error: ${text}`)
  return problems
}
