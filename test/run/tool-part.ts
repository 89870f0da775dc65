import { command } from './command.ts'
import { verdict, type Part } from './part.ts'
import { tool } from './paths.ts'

export interface ToolPartOptions extends Omit<Part, 'run'> {
  /** Name of a program of the root's development dependencies. */
  readonly program: string
  readonly args: readonly string[]
  /** A line of the output that is a finding of its own. */
  readonly finding: RegExp
}

/** A part that runs a tool: passed when it ends with 0, else one failure per finding. */
export function toolPart(options: ToolPartOptions): Part {
  const { program, args, finding, ...part } = options
  return {
    ...part,
    async run({ signal, log }) {
      const { code, lines } = await command(tool(program), args, { signal, onLine: log })
      if (code === 0) return verdict([])
      const findings = lines.filter((line) => finding.test(line))
      return verdict(findings.length > 0 ? findings : [`${program} ended with ${code}`, ...lines.slice(-20)])
    },
  }
}
