import { scriptPart, type Counts } from '../script-part.ts'
import type { Part } from '../part.ts'
import { vitestPart } from '../vitest-part.ts'

const contract = ['test/contract']
const brokers = ['test/brokers', 'test/amqp', 'test/middleware/on-drivers.test.ts']
const redis = ['test/redis']
const mqtt = ['test/brokers/mqtt', 'test/mqtt']
const aws = ['test/brokers/aws-wire', 'test/dynamodb', 'test/kinesis', 'test/sqs', 'test/sns']

/** What runs the code. Every test file of the repository belongs to exactly one of these parts, and one that starts brokers to a part that runs alone. */
export const testParts: readonly Part[] = [
  vitestPart({ name: 'unit', budgetSeconds: 115, folders: ['packages', 'test'], except: [...contract, ...brokers, ...redis, ...aws, ...mqtt] }),
  scriptPart({ name: 'types', budgetSeconds: 10, entry: 'test/types/run.ts', read: passedAndFailed }),
  vitestPart({ name: 'contract', budgetSeconds: 205, alone: true, workers: 3, folders: contract }),
  scriptPart({ name: 'mutants', budgetSeconds: 30, entry: 'test/mutants/main.ts', read: killed }),
  scriptPart({ name: 'simulate', budgetSeconds: 160, entry: 'test/simulate/main.ts', runs: [['--seeds', '11000']], read: violations }),
  vitestPart({ name: 'amqp', budgetSeconds: 228, alone: true, workers: 4, folders: brokers, except: [...aws, ...mqtt] }),
  vitestPart({ name: 'aws', budgetSeconds: 135, alone: true, folders: aws }),
  vitestPart({ name: 'mqtt', budgetSeconds: 75, alone: true, workers: 3, folders: mqtt }),
  vitestPart({ name: 'redis', budgetSeconds: 40, alone: true, folders: redis }),
  scriptPart({
    name: 'demo',
    budgetSeconds: 70,
    alone: true,
    entry: 'test/demo/main.ts',
    runs: [
      ['--broker', 'memory'],
      ['--broker', 'memory', '--faults'],
      ['--broker', 'amqp', '--may-skip'],
      ['--broker', 'mqtt', '--may-skip'],
      ['--broker', 'sqs'],
    ],
    read: () => ({ passed: 1, failed: 0 }),
  }),
  scriptPart({
    name: 'chaos',
    budgetSeconds: 122,
    alone: true,
    entry: 'test/chaos/main.ts',
    // A minute of faults in all. The seed is one of those that kill a consumer, RabbitMQ and Redis and restart mosquitto in that time.
    runs: [['all', '--messages', '1000', '--minutes', '0.15', '--seed', '1957', '--may-skip']],
    read: broken,
  }),
]

function passedAndFailed(line: string): Counts | undefined {
  const [, passed, failed] = /^(\d+) passed, (\d+) failed\b/.exec(line) ?? []
  return passed === undefined || failed === undefined ? undefined : { passed: Number(passed), failed: Number(failed) }
}

function killed(line: string): Counts | undefined {
  const [, dead, all] = /^killed (\d+) of (\d+)$/.exec(line) ?? []
  return dead === undefined || all === undefined || Number(all) === 0 ? undefined : { passed: Number(dead), failed: Number(all) - Number(dead) }
}

function violations(line: string): Counts | undefined {
  const [, found, schedules] = /^(\d+) violations? in (\d+) schedules$/.exec(line) ?? []
  return found === undefined || schedules !== '11000' ? undefined : { passed: found === '0' ? 1 : 0, failed: Number(found) }
}

/** The last line of `npm run chaos`. A run that had nothing to run on has shown nothing. */
export function broken(line: string): Counts | undefined {
  const [, sent, lost, disorder, doubled, wrong = '0'] =
    /^chaos: sent (\d+), lost (\d+), out of order (\d+), double effects (\d+), (?:otherwise wrong (\d+), )?recovered in ≤ \S+ s$/.exec(line) ?? []
  if (sent === undefined) return undefined
  const failed = Number(lost) + Number(disorder) + Number(doubled) + Number(wrong)
  return { passed: failed === 0 && sent !== '0' ? 1 : 0, failed }
}
