import type { Row } from '../engine/rows.ts'
import type { Interval } from './stats.ts'

const headings = ['scenario', 'subject', 'messages/s', 'CPU µs/message', '÷ raw (95 %)', 'CPU ÷ raw', 'target', '']

/** Rows as a table of text. */
export function table(rows: readonly Row[]): string {
  const cells = [headings, ...rows.map(cellsOf)]
  const widths = headings.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length)))
  const lines = cells.map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column] ?? 0, column > 1 && column < 6))
      .join('  ')
      .trimEnd(),
  )
  const rule = '-'.repeat(widths.reduce((total, width) => total + width + 2, -2))
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}

function cellsOf(row: Row): string[] {
  const figures =
    row.value === null
      ? [
          number(row.messagesPerSecond),
          number(row.cpuMicrosPerMessage),
          interval(row.ratioToRaw),
          row.cpuRatioToRaw === null ? '' : row.cpuRatioToRaw.median.toFixed(2),
        ]
      : [`${number(row.value)} ${row.unit}`, '', '', '']
  return [row.scenario, row.subject, ...figures, row.target ?? '', row.met === null ? '' : row.met ? 'met' : 'MISSED']
}

function number(value: number | null): string {
  if (value === null) return ''
  const digits = Math.abs(value) >= 100 ? 0 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function interval(ratio: Interval | null): string {
  if (ratio === null) return ''
  return `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${Number.isFinite(ratio.high) ? ratio.high.toFixed(2) : '∞'})`
}

function pad(cell: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - cell.length))
  return right ? space + cell : cell + space
}
