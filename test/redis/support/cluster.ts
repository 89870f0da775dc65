import { Redis } from 'ioredis'
import { freePort } from '../../brokers/core/ports.ts'
import { isSkipped, startRedis, type RedisBed, type Skipped } from '../../brokers/index.ts'

export interface ClusterBed extends AsyncDisposable {
  readonly urls: readonly string[]
  readonly nodes: readonly RedisBed[]
}

const slots = 16_384

/** Servers that share the slots of one cluster; none has a replica. */
export async function startCluster(size: number): Promise<ClusterBed | Skipped> {
  const ports = await Promise.all(Array.from({ length: size }, () => freePort()))
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
      await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
      if (index > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', new URL(nodes[0]?.url ?? '').port, ports[0] ?? 0)
    }
    await Promise.all(clients.map((client) => known(client, size)))
  } finally {
    for (const client of clients) client.disconnect()
  }
  return { urls: nodes.map(({ url }) => url), nodes, [Symbol.asyncDispose]: dispose }
}

async function known(client: Redis, size: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const info = String(await client.call('CLUSTER', 'INFO'))
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the nodes of the cluster do not find each other')
}
