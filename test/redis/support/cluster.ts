import { Redis } from 'ioredis'
import { freePort } from '../../brokers/core/ports.ts'
import { isSkipped, startRedis, type RedisBed, type Skipped } from '../../brokers/index.ts'

export interface ClusterBed extends AsyncDisposable {
  readonly urls: readonly string[]
  /** Those with slots of their own, then the replicas. */
  readonly nodes: readonly RedisBed[]
}

const slots = 16_384

/** Servers that share the slots of one cluster, the first `replicas` of them with a replica that takes over when they fail. */
export async function startCluster(size: number, replicas = 0): Promise<ClusterBed | Skipped> {
  const ports = await Promise.all(Array.from({ length: size + replicas }, () => freePort()))
  const started = await Promise.all(
    ports.map((port) => startRedis({ persistence: 'always', config: { 'cluster-enabled': 'yes', 'cluster-port': port, 'cluster-node-timeout': 2_000 } })),
  )
  const skipped = started.find((bed) => isSkipped(bed))
  const nodes = started.filter((bed): bed is RedisBed => !isSkipped(bed))
  const dispose = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]())))
  if (skipped !== undefined && isSkipped(skipped)) {
    await dispose()
    return skipped
  }
  const clients = nodes.map(({ url }) => new Redis(url))
  try {
    for (const [index, client] of clients.entries()) {
      const [from, to] = [Math.floor((slots * index) / size), Math.floor((slots * (index + 1)) / size) - 1]
      if (index < size) await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
      if (index > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', new URL(nodes[0]?.url ?? '').port, ports[0] ?? 0)
    }
    await Promise.all(clients.map((client) => says(client, 'CLUSTER INFO', 'cluster_state:ok', `cluster_known_nodes:${clients.length}`)))
    for (const [index, replica] of clients.slice(size).entries()) {
      await replica.call('CLUSTER', 'REPLICATE', String(await clients[index]?.call('CLUSTER', 'MYID')))
      await says(replica, 'INFO replication', 'role:slave', 'master_link_status:up')
    }
  } finally {
    for (const client of clients) client.disconnect()
  }
  return { urls: nodes.map(({ url }) => url), nodes, [Symbol.asyncDispose]: dispose }
}

async function says(client: Redis, question: string, ...texts: readonly string[]): Promise<void> {
  const [command = '', ...args] = question.split(' ')
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = String(await client.call(command, ...args))
    if (texts.every((text) => answer.includes(text))) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`a node of the cluster does not come to answer ${question} with ${texts.join(' and ')}`)
}
