import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { forward } from './forward.ts'

/** What becomes of a request: the connection is cut before the server has it, or when the server has done what it asks for. */
export type Fate = 'passes' | 'lost' | 'answer lost'

export interface LossyGateway extends AsyncDisposable {
  readonly url: string
}

/**
 * Stands between a driver and the emulator and cuts connections of the driver's side alone: of a connection that is reset in a bad moment, `kinesis-local` 0.6.2
 * takes no other any more.
 */
export async function startLossyGateway(server: string, fateOf: (operation: string) => Fate): Promise<LossyGateway> {
  const gateway = createServer((request, response) => {
    void (async () => {
      const fate = fateOf(String(request.headers['x-amz-target']).split('.').at(-1) ?? '')
      const answer = fate === 'lost' ? undefined : await forward(server, request, await buffer(request))
      if (fate !== 'passes' || answer === undefined) request.socket.resetAndDestroy()
      else response.writeHead(answer.status, { 'content-type': answer.contentType }).end(answer.body)
    })()
  })
  gateway.listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  return {
    url: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      gateway.close()
      gateway.closeAllConnections()
      await once(gateway, 'close')
    },
  }
}
