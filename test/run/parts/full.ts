import type { Part } from '../part.ts'
import { scriptPart } from '../script-part.ts'
import { vitestPart } from '../vitest-part.ts'
import { broken } from './tests.ts'

/** Parts of `npm run test:full` alone: each `full: true`, so that `npm test` leaves them out and `--only` can still select them. */
export const fullParts: readonly Part[] = [
  vitestPart({
    name: 'every-bed',
    full: true,
    alone: true,
    budgetSeconds: 900,
    folders: [
      ...['amqp', 'mqtt', 'sns', 'sqs'].map((name) => `test/contract/${name}.test.ts`),
      'test/brokers/brokers.test.ts',
      'test/middleware/on-drivers/rabbitmq.test.ts',
      ...[
        'access-denied',
        'bodies',
        'broker-kill',
        'dead-letters',
        'faults',
        'metering',
        'partitions',
        'queues',
        'repartition',
        'restoration',
        'returns',
        'tls',
        'topology',
      ].map((name) => `test/amqp/${name}.test.ts`),
    ],
    env: { BUSBAR_EVERY_VERSION: '1' },
  }),
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
    name: 'kinesis-group',
    full: true,
    alone: true,
    budgetSeconds: 900,
    entry: 'test/kinesis/main.ts',
    read: (line) => {
      const [, survived] = /^group: \d+ kills and \d+ reshards (survived|not survived)$/.exec(line) ?? []
      return survived === undefined ? undefined : { passed: survived === 'survived' ? 1 : 0, failed: survived === 'survived' ? 0 : 1 }
    },
  }),
  scriptPart({
    name: 'long-chaos',
    full: true,
    alone: true,
    budgetSeconds: 5_400,
    entry: 'test/chaos/main.ts',
    runs: [['all', '--messages', '50000', '--minutes', '10', '--seed', '2', '--may-skip']],
    read: broken,
  }),
  scriptPart({
    name: 'long-fuzz',
    full: true,
    budgetSeconds: 3_600,
    entry: 'test/fuzz/main.ts',
    runs: [['all', '--inputs', '1000000', '--seed', '2']],
    read: (line) => {
      const [, inputs, found] = /^fuzz: (\d+) inputs, (\d+) findings$/.exec(line) ?? []
      return inputs === undefined || found === undefined ? undefined : { passed: found === '0' && inputs !== '0' ? 1 : 0, failed: Number(found) }
    },
  }),
  scriptPart({
    name: 'soak',
    full: true,
    alone: true,
    budgetSeconds: 2_400,
    entry: 'test/soak/main.ts',
    runs: [['all', '--minutes', '20', '--may-skip']],
    read: (line) => {
      const [, drivers, problems] = /^soak: (\d+) drivers, \d+ messages, (\d+) problems$/.exec(line) ?? []
      return drivers === undefined || problems === undefined ? undefined : { passed: problems === '0' ? Number(drivers) : 0, failed: Number(problems) }
    },
  }),
  scriptPart({
    name: 'bench-gates',
    full: true,
    alone: true,
    budgetSeconds: 5_400,
    entry: 'test/bench/main.ts',
    // One after the other, so that what ends one of them leaves the verdict on the others.
    runs: ['memory', 'middleware', 'amqp', 'mqtt', 'sqs', 'sns', 'kinesis'].map((suite) => [suite, '--gate']),
    read: (line) => {
      const [, within, outside] = /^gate: (\d+) within, (\d+) outside$/.exec(line) ?? []
      return within === undefined || outside === undefined ? undefined : { passed: Number(within), failed: Number(outside) }
    },
  }),
]
