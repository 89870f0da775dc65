/** The few requests to RabbitMQ's HTTP interface that test beds need. */
export interface Management {
  createVhost(name: string): Promise<void>
  deleteVhost(name: string): Promise<void>
  /** Whether the node has a memory or disk alarm at this moment. */
  hasAlarm(): Promise<boolean>
}

export function management(url: string): Management {
  const { origin, username, password } = new URL(url)
  const authorization = `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`
  const request = async (method: string, path: string, expected: readonly number[]): Promise<number> => {
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(`${origin}/api/${path}`, { method, headers, signal: AbortSignal.timeout(20_000) })
    const text = await response.text()
    if (!expected.includes(response.status)) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return response.status
  }
  const vhost = (name: string): string => `vhosts/${encodeURIComponent(name)}`
  return {
    createVhost: async (name) => void (await request('PUT', vhost(name), [201, 204])),
    deleteVhost: async (name) => void (await request('DELETE', vhost(name), [204, 404])),
    hasAlarm: async () => (await request('GET', 'health/checks/local-alarms', [200, 503])) === 503,
  }
}
