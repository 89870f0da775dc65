import type { Delivery } from '@busbar/core/driver'
import { ackInSilence, after, editArriving } from '../edits.ts'
import type { Mutant } from '../mutant.ts'

/** Streams of the memory driver begin with four shards; those that a split or a merge has made have higher numbers. */
function isChild({ scope }: Delivery): boolean {
  return Number(scope.partition?.split('-')[1]) >= 4
}

/** How long the parents are late, in milliseconds. */
const lateMs = 1_000

export const reshardingFaults: readonly Mutant[] = [
  {
    name: 'reshard-unnoticed',
    fault: 'reads the partitions that it began with, and none that a reshard has made',
    killedBy: 'streams/resharded',
    alsoOn: ['kinesis'],
    alterations: () => editArriving((delivery) => (isChild(delivery) ? undefined : delivery)),
  },
  {
    name: 'children-before-parents',
    fault: 'does not wait for the end of the partitions that were split or joined before it reads those that came of them',
    killedBy: 'streams/resharded',
    alsoOn: ['kinesis'],
    alterations: () => ({
      arrive: (deliveries, next, site) => {
        const [children, parents] = [deliveries.filter(isChild), deliveries.filter((delivery) => !isChild(delivery))]
        ackInSilence(site, parents)
        if (parents.length > 0) after(site, lateMs, () => next(parents))
        if (children.length > 0) next(children)
      },
    }),
  },
]
