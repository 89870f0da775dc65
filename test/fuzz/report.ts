import type { Finding } from './protocol.ts'
import type { TargetReport } from './run.ts'

/** Of findings of one kind so many are shown. */
const shown = 2

/** For the reader of one target's report. */
export function lines({ name, inputs, seconds, findings }: TargetReport, seed: number): readonly string[] {
  const rate = seconds > 0 ? `, ${Math.round(inputs / seconds)} a second` : ''
  return [`${name}: ${inputs} inputs, ${findings.length} findings in ${seconds.toFixed(1)} s${rate}`, ...details(findings, seed, inputs)]
}

/** The last line, which the certificate reads. */
export function summary(reports: readonly TargetReport[]): { readonly text: string; readonly clean: boolean } {
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0)
  const findings = reports.reduce((sum, report) => sum + report.findings.length, 0)
  return { text: `fuzz: ${inputs} inputs, ${findings} findings`, clean: findings === 0 && inputs > 0 }
}

function details(findings: readonly Finding[], seed: number, inputs: number): string[] {
  const kinds = Map.groupBy(findings, ({ problem }) => problem.replaceAll(/\d+/g, 'n').slice(0, 80))
  return [...kinds.values()].flatMap((alike) => [
    ...alike
      .slice(0, shown)
      .flatMap(({ target, index, problem, input }) => [
        `  ${problem}`,
        `    reproduce it with npm run fuzz -- ${target} --seed ${seed} ${index === undefined ? `--inputs ${inputs}` : `--index ${index}`}`,
        ...(input === undefined ? [] : [`    ${input.replaceAll('\n', '\n    ')}`]),
      ]),
    ...(alike.length > shown ? [`  and ${alike.length - shown} more like it`] : []),
  ])
}
