import { apiReportErrors } from '../../packaging/api-report.ts'
import { consumerErrors } from '../../packaging/consumer.ts'
import { entries } from '../../packaging/entries.ts'
import { measureCore } from '../../packaging/limits.ts'
import { attwErrors, publintErrors } from '../../packaging/linters.ts'
import { manifestErrors } from '../../packaging/manifests.ts'
import { contractOnOldestNode, hasOldestNode } from '../../packaging/oldest-node.ts'
import { packPackages } from '../../packaging/tarballs.ts'
import { verdict, type Part } from '../part.ts'

/** What users get: the packed packages. */
export const packagingParts: readonly Part[] = [
  {
    name: 'packaging',
    budgetSeconds: 40,
    async run({ signal, log }) {
      const packed = await packPackages(signal, log)
      log(
        `manifests, publint, attw, a consumer; ${hasOldestNode ? 'the suite in memory, on the oldest Node' : 'not looked at on this platform: the oldest Node'}`,
      )
      const [oldest, ...errors] = await Promise.all([
        hasOldestNode ? contractOnOldestNode(signal) : { passed: 0, errors: [] },
        publintErrors(packed),
        attwErrors(packed, signal),
        consumerErrors(packed.project, entries(), signal),
      ])
      return verdict([...manifestErrors(packed.project), ...errors.flat(), ...oldest.errors], packed.tarballs.size * 3 + 3 + oldest.passed)
    },
  },
  {
    name: 'api-reports',
    budgetSeconds: 10,
    run: async () => verdict(await apiReportErrors()),
  },
]

/** What core costs, measured with nothing beside it. */
export const limitsPart: Part = {
  name: 'limits',
  budgetSeconds: 10,
  alone: true,
  async run({ signal, log }) {
    const { project } = await packPackages(signal, log)
    const measured = await measureCore(project, signal)
    for (const { what, value, limit, unit } of measured) log(`${what}: ${value.toFixed(1)} ${unit} (limit ${limit} ${unit})`)
    const over = measured.filter(({ value, limit }) => !(value <= limit))
    return verdict(
      over.map(({ what, value, limit, unit }) => `${what}: ${value.toFixed(1)} ${unit}, limit ${limit} ${unit}`),
      measured.length,
    )
  },
}
