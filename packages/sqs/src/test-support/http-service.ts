import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Something that speaks the protocol of SQS on a port of its own, and notes what arrives. */
export interface HttpService extends AsyncDisposable {
  readonly url: string
  /** How many calls of this name have arrived. */
  readonly arrived: (name: string) => number
}

/** `answer` ends the response now, later or never. The URL of every queue is told without it. */
export async function httpService(answer: (name: string, response: ServerResponse) => void): Promise<HttpService> {
  const arrived: string[] = []
  const server = createServer((request, response) => {
    const name = String(request.headers['x-amz-target']).replace('AmazonSQS.', '')
    arrived.push(name)
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/x-amz-json-1.0')
      if (name === 'GetQueueUrl') response.end(JSON.stringify({ QueueUrl: 'http://127.0.0.1/123456789012/orders' }))
      else answer(name, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    arrived: (name) => arrived.filter((each) => each === name).length,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
