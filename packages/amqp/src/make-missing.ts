import type { Admin } from './admin.ts'
import { declare, exists, refusalOf } from './declaring.ts'
import type { BindingResource, ExchangeResource, QueueResource, Resource } from './resources.ts'

type Named = QueueResource | ExchangeResource

/**
 * Makes what does not exist, with the bindings from and to it; a binding alone cannot be asked for. Returns the names of what it made.
 * The admins ask side by side; what is made is made by the first of them, in the order of the resources.
 */
export async function makeMissing(resources: readonly Resource[], admins: readonly [Admin, ...Admin[]]): Promise<readonly string[]> {
  const [admin] = admins
  const missing = await missingOf(resources.filter(isNamed), admins)
  if (missing.size === 0) return []
  const isForeign = await changedByOthers(admin, resources)
  const made: string[] = []
  for (const resource of resources) {
    if (isForeign(resource) || !(isNamed(resource) ? missing.has(keyOf(resource)) : touches(resource, missing))) continue
    await declare(admin, resource, never)
    if (isNamed(resource)) made.push(keyOf(resource))
  }
  return made
}

async function missingOf(named: readonly Named[], admins: readonly Admin[]): Promise<ReadonlySet<string>> {
  const missing = new Set<string>()
  const open = [...named]
  const ask = async (admin: Admin): Promise<void> => {
    for (let resource = open.shift(); resource !== undefined; resource = open.shift()) if (!(await exists(admin, resource, never))) missing.add(keyOf(resource))
  }
  const answers = await Promise.allSettled(
    admins.map((admin) =>
      ask(admin).catch((error: unknown) => {
        // Whatever kept one from asking keeps the others.
        open.length = 0
        throw error
      }),
    ),
  )
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  return missing
}

/** Records that tell of another filter, or of other partitions, than ours: whoever wrote them made what belongs to them. */
async function changedByOthers(admin: Admin, resources: readonly Resource[]): Promise<(resource: Resource) => boolean> {
  const vias = new Set<string>()
  const bases: string[] = []
  for (const resource of resources) {
    if (resource.kind !== 'exchange' || resource.records === undefined || !(await isOther(admin, resource))) continue
    if (resource.records === 'filter') vias.add(resource.alternate ?? '')
    else bases.push(resource.name.replace(/\.partitions$/, ''))
  }
  const isPartition = (name: string): boolean => bases.some((base) => name.startsWith(`${base}.p`) && /^\d+$/.test(name.slice(base.length + 2)))
  return (resource) => {
    if (isNamed(resource)) return vias.has(resource.name) || (resource.kind === 'queue' && isPartition(resource.name))
    return vias.has(resource.source) || vias.has(resource.destination) || isPartition(resource.destination)
  }
}

async function isOther(admin: Admin, record: ExchangeResource): Promise<boolean> {
  return (await exists(admin, record, never)) && (await refusalOf(admin, record, never)) instanceof Error
}

function touches({ source, destination, to }: BindingResource, missing: ReadonlySet<string>): boolean {
  return missing.has(`exchange ${source}`) || missing.has(`${to} ${destination}`)
}

function isNamed(resource: Resource): resource is Named {
  return resource.kind !== 'binding'
}

function keyOf({ kind, name }: Named): string {
  return `${kind} ${name}`
}

const never = new AbortController().signal
