import type { Part } from '../part.ts'
import { scriptPart } from '../script-part.ts'

/** Parts of `npm run test:full` alone: each `full: true`, so that `npm test` leaves them out and `--only` can still select them. */
export const fullParts: readonly Part[] = [
  scriptPart({
    name: 'long-simulation',
    full: true,
    budgetSeconds: 3_000,
    entry: 'test/simulate/main.ts',
    runs: [['--from', '1000000', '--seeds', '200000']],
    read: (line) => {
      const [, found] = /^(\d+) violations in 200000 schedules$/.exec(line) ?? []
      return found === undefined ? undefined : { passed: found === '0' ? 1 : 0, failed: Number(found) }
    },
  }),
  scriptPart({
    name: 'million-messages',
    full: true,
    alone: true,
    budgetSeconds: 3_600,
    entry: 'test/demo/main.ts',
    runs: [
      ['--broker', 'memory', '--messages', '1000000', '--faults'],
      ['--broker', 'amqp', '--messages', '1000000', '--faults', '--may-skip'],
    ],
    read: () => ({ passed: 1, failed: 0 }),
  }),
  scriptPart({
    name: 'bench-gates',
    full: true,
    alone: true,
    budgetSeconds: 3_600,
    entry: 'test/bench/main.ts',
    runs: [['memory', 'middleware', 'amqp', 'mqtt', '--gate']],
    read: (line) => {
      const [, within, outside] = /^gate: (\d+) within, (\d+) outside$/.exec(line) ?? []
      return within === undefined || outside === undefined ? undefined : { passed: Number(within), failed: Number(outside) }
    },
  }),
]
