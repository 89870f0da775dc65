import type { Account } from '../account.ts'
import { nameInArn } from '../account.ts'
import type { Calls } from '../calls.ts'
import { ResetConnection, withoutFailing, type Strike, type WireFaults } from '../faults.ts'
import type { WireRequest, WireResponse } from '../http/server.ts'
import { signerOf } from '../http/signer.ts'
import { inputs, isInput, text, type Input } from '../input.ts'
import { WireError } from '../wire-error.ts'
import { sqsActions } from './actions.ts'
import { failedEntry, type BatchResult } from './batch.ts'
import type { SqsAction, SqsCall } from './call.ts'
import { MoveTasks } from './move-tasks.ts'
import { Queues, type QueueKinds } from './queues.ts'

export const sqsTarget = 'AmazonSQS.'

/** SQS by the AWS JSON 1.0 protocol. */
export class SqsService {
  readonly queues: Queues
  readonly #tasks: MoveTasks
  readonly #account: Account
  readonly #faults: WireFaults
  readonly #calls: Calls
  readonly #accessKeyId: string
  #requests = 0

  constructor(account: Account, kinds: QueueKinds, faults: WireFaults, calls: Calls, accessKeyId: string) {
    this.#account = account
    this.queues = new Queues(account, kinds)
    this.#tasks = new MoveTasks(account, this.queues)
    this.#faults = faults
    this.#calls = calls
    this.#accessKeyId = accessKeyId
  }

  async answer(request: WireRequest): Promise<WireResponse> {
    const requestId = this.#account.uuid('request', ++this.#requests)
    try {
      return response(200, requestId, await this.#perform(request))
    } catch (error) {
      if (error instanceof ResetConnection) throw error
      return errorResponse(requestId, error instanceof WireError ? error : new WireError('InternalFailure', String(error), 'InternalFailure', 500, 'Receiver'))
    }
  }

  end(): void {
    this.#tasks.end()
    this.queues.end()
  }

  async #perform({ headers, body, signal }: WireRequest): Promise<object> {
    const name = String(headers['x-amz-target']).slice(sqsTarget.length)
    const input = parse(body)
    const resource = resourceOf(input)
    this.#calls.add(name, resource)
    const { accessKeyId, region } = signerOf(headers, this.#accessKeyId)
    const action = sqsActions.get(name)
    if (action === undefined) throw new WireError('InvalidAction', `The action ${name} is not valid for this endpoint.`)
    const strike = this.#faults.strike(name, resource)
    await strike.before(signal)
    const result = await act(action, { queues: this.queues, tasks: this.#tasks, region, senderId: accessKeyId, input, signal }, strike)
    await strike.after(signal)
    return result
  }
}

/** Entries that a fault fails are not acted upon. */
async function act(action: SqsAction, call: SqsCall, strike: Strike): Promise<object> {
  const failing = strike.failing()
  if (failing.size === 0) return action(call)
  const { kept, failed } = withoutFailing(inputs(call.input, 'Entries'), failing)
  const result: Partial<BatchResult> = kept.length === 0 ? {} : await action({ ...call, input: { ...call.input, Entries: kept } })
  return { ...result, Failed: [...(result.Failed ?? []), ...failed.map(([entry, error]) => failedEntry(text(entry, 'Id'), error))] }
}

function parse(body: string): Input {
  try {
    const input: unknown = JSON.parse(body)
    if (isInput(input)) return input
  } catch {
    // Falls through: what is no JSON is no request.
  }
  throw new WireError('SerializationException', 'The request is not a JSON object')
}

/** The name of the queue that a request is about; empty if it is about none. */
function resourceOf({ QueueUrl, QueueName, SourceArn }: Input): string {
  if (typeof QueueUrl === 'string') return QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1)
  if (typeof QueueName === 'string') return QueueName
  return typeof SourceArn === 'string' ? nameInArn(SourceArn) : ''
}

function response(status: number, requestId: string, result: object, headers: Readonly<Record<string, string>> = {}): WireResponse {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': requestId, ...headers }, body: JSON.stringify(result) }
}

/** The name of today in the body, the code of the Query protocol in a header. */
function errorResponse(requestId: string, { name, message, legacyCode, status, fault }: WireError): WireResponse {
  return response(status, requestId, { __type: `com.amazonaws.sqs#${name}`, message }, { 'x-amzn-query-error': `${legacyCode};${fault}` })
}
