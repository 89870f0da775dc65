import { capabilityKeys, kinds, type Kind } from '@busbar/contract-tests'
import type { Summary } from './summary.ts'

const plural: Readonly<Record<Kind, string>> = { queue: 'Queues', topic: 'Topics', stream: 'Streams' }

/** The capability matrix as a docs page. */
export function matrixPage(summaries: readonly Summary[]): string {
  return [
    '# Capabilities',
    '',
    '<!-- Generated from results of the contract suite by `BUSBAR_WRITE=1 npm test`; do not edit. -->',
    '',
    'Every value is what the driver declares and the contract suite has examined, in both directions: what is declared works, and what is not is refused.',
    'Values in *italics* could not be examined there. Milliseconds and bytes unless said otherwise.',
    '',
    ...overview(summaries),
    ...kinds.flatMap((kind) => table(kind, summaries)),
    ...gaps(summaries),
  ].join('\n')
}

function overview(summaries: readonly Summary[]): string[] {
  const rows = summaries.map(
    ({ name, version, examinedOn, date, outcomes }) =>
      `| ${name} | ${version} | ${examinedOn} | ${date} | ${outcomes.passed} | ${outcomes.gap} | ${outcomes['not-examined']} |`,
  )
  return ['| Driver | Version | Examined on | Date | Cases passed | Known gaps | Not examined |', '|---|---|---|---|---|---|---|', ...rows, '']
}

function table(kind: Kind, summaries: readonly Summary[]): string[] {
  const columns = summaries.map((summary) => ({ name: summary.name, cells: summary.kinds[kind] }))
  const having = columns
    .flatMap(({ name, cells }) =>
      'refused' in cells && typeof cells.refused === 'string' ? [] : [{ name, cells: cells as Exclude<typeof cells, { readonly refused: string }> }],
    )
    .filter(({ cells }) => Object.values(cells).some(({ proved }) => proved !== 'not examined'))
  const refusing = columns.flatMap(({ name, cells }) =>
    'refused' in cells && typeof cells.refused === 'string' ? [`- **${name}**: ${cells.refused}. Remedy: ${cells.remedy}.`] : [],
  )
  if (having.length === 0) return []
  const rows = capabilityKeys
    .filter((key) => key !== 'kind')
    .map((key) => {
      const cells = having.map(({ cells: column }) => {
        // A certificate that is older than the capability is about to be written anew.
        const { value, proved } = (column as Partial<typeof column>)[key] ?? { value: '–', proved: 'yes' }
        return proved === 'yes' ? value : proved === 'gap' ? `${value} (known gap)` : `*${value}*`
      })
      return `| \`${key}\` | ${cells.join(' | ')} |`
    })
  return [
    `## ${plural[kind]}`,
    '',
    `| Capability | ${having.map(({ name }) => name).join(' | ')} |`,
    `|---|${having.map(() => '---|').join('')}`,
    ...rows,
    '',
    ...(refusing.length === 0 ? [] : ['Refused at start:', '', ...refusing, '']),
  ]
}

function gaps(summaries: readonly Summary[]): string[] {
  const known = summaries.flatMap(({ name, gaps: list }) => list.map(({ id, kind, reason }) => `- **${name}**, ${kind}: \`${id}\`: ${reason}`))
  const unexamined = summaries.flatMap(({ name, notExamined }) => notExamined.map(({ id, kind, reason }) => `- **${name}**, ${kind}: \`${id}\`: ${reason}`))
  return [...(known.length === 0 ? [] : ['## Known gaps', '', ...known, '']), ...(unexamined.length === 0 ? [] : ['## Not examined', '', ...unexamined, ''])]
}
