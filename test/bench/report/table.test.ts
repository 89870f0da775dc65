import { expect, it } from 'vitest'
import { valueRow, type Row } from '../engine/rows.ts'
import { table } from './table.ts'

const row: Row = {
  scenario: 'AMQP, publish',
  subject: 'busbar',
  messagesPerSecond: 34_567.8,
  cpuMicrosPerMessage: 9.876,
  ratioToRaw: { median: 1.011, low: 0.98, high: Number.POSITIVE_INFINITY },
  cpuRatioToRaw: { median: 1.1, low: 1, high: 1.2 },
  value: null,
  unit: null,
  target: 'low ≥ 0.97',
  met: true,
  withinGate: true,
}

it('puts figures under their headings, with the target beside each and what missed it marked', () => {
  const lines = table([
    row,
    { ...row, subject: 'raw', ratioToRaw: null, cpuRatioToRaw: null, target: null, met: null, withinGate: null },
    valueRow('core', 'gzip', 28_123, 'bytes', { text: '≤ 20,000 bytes', met: false }),
  ])
    .split('\n')
    .map((line) => line.split(/ {2,}/))
  expect(lines[0]).toEqual(['scenario', 'subject', 'messages/s', 'CPU µs/message', '÷ raw (95 %)', 'CPU ÷ raw', 'target'])
  expect(lines.slice(2)).toEqual([
    ['AMQP, publish', 'busbar', '34,568', '9.88', '1.01 (0.98–∞)', '1.10', 'low ≥ 0.97', 'met'],
    ['AMQP, publish', 'raw', '34,568', '9.88'],
    ['core', 'gzip', '28,123 bytes', '≤ 20,000 bytes', 'MISSED'],
  ])
})

it('aligns figures to the right, whatever their length', () => {
  const [, , first, second] = table([row, { ...row, messagesPerSecond: 5 }]).split('\n')
  expect(second?.indexOf('5.00')).toBe((first?.indexOf('34,568') ?? 0) + 2)
})
