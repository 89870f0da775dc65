import { scriptPart, type Counts } from '../script-part.ts'
import type { Part } from '../part.ts'
import { vitestPart } from '../vitest-part.ts'

const contract = ['test/contract']
const brokers = ['test/brokers', 'test/amqp', 'test/middleware/on-drivers.test.ts']
const redis = ['test/redis']
const aws = ['test/brokers/aws-wire', 'test/dynamodb', 'test/kinesis', 'test/sqs', 'test/sns']

/** What runs the code. Every test file of the repository belongs to exactly one of these parts, and one that starts brokers to a part that runs alone. */
export const testParts: readonly Part[] = [
  vitestPart({ name: 'unit', budgetSeconds: 95, folders: ['packages', 'test'], except: [...contract, ...brokers, ...redis, ...aws] }),
  scriptPart({ name: 'types', budgetSeconds: 10, entry: 'test/types/run.ts', read: passedAndFailed }),
  vitestPart({ name: 'contract', budgetSeconds: 145, alone: true, folders: contract }),
  scriptPart({ name: 'mutants', budgetSeconds: 30, entry: 'test/mutants/main.ts', read: killed }),
  scriptPart({ name: 'simulate', budgetSeconds: 175, entry: 'test/simulate/main.ts', runs: [['--seeds', '11000']], read: violations }),
  vitestPart({ name: 'amqp', budgetSeconds: 325, alone: true, folders: brokers, except: aws }),
  vitestPart({ name: 'aws', budgetSeconds: 90, alone: true, folders: aws }),
  vitestPart({ name: 'redis', budgetSeconds: 40, alone: true, folders: redis }),
  scriptPart({
    name: 'demo',
    budgetSeconds: 50,
    alone: true,
    entry: 'test/demo/main.ts',
    runs: [
      ['--broker', 'memory'],
      ['--broker', 'memory', '--faults'],
      ['--broker', 'amqp', '--may-skip'],
      ['--broker', 'sqs'],
    ],
    read: () => ({ passed: 1, failed: 0 }),
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
