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
      log('manifests, publint, attw, a consumer')
      const errors = [
        ...manifestErrors(packed.project),
        ...(await publintErrors(packed)),
        ...(await attwErrors(packed, signal)),
        ...(await consumerErrors(packed.project, entries(), signal)),
      ]
      log(hasOldestNode ? 'the suite in memory, on the oldest Node' : 'not looked at on this platform: the oldest Node')
      const oldest = hasOldestNode ? await contractOnOldestNode(signal) : { passed: 0, errors: [] }
      return verdict([...errors, ...oldest.errors], packed.tarballs.size * 3 + 3 + oldest.passed)
    },
  },
  {
    name: 'api-reports',
    budgetSeconds: 10,
    run: async () => verdict(await apiReportErrors()),
  },
]

/** What core costs, measured with nothing beside it: after everything that shares the machine, so that nothing waits for it. */
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
