import { nameInArn, type Account } from '../account.ts'
import type { Calls } from '../calls.ts'
import { ResetConnection, withoutFailing, type Strike, type WireFaults } from '../faults.ts'
import type { WireRequest, WireResponse } from '../http/server.ts'
import { signerOf } from '../http/signer.ts'
import { optionalText, type Input } from '../input.ts'
import type { Queues } from '../sqs/queues.ts'
import { WireError } from '../wire-error.ts'
import { snsActions } from './actions.ts'
import type { SnsAction, SnsCall } from './call.ts'
import { failedEntry } from './publish.ts'
import { members, parseQuery } from './query.ts'
import { Topics } from './topics.ts'
import { errorXml, resultXml } from './xml.ts'

/** SNS by the Query protocol. */
export class SnsService {
  readonly #topics: Topics
  readonly #account: Account
  readonly #faults: WireFaults
  readonly #calls: Calls
  readonly #accessKeyId: string
  #requests = 0

  constructor(account: Account, queues: Queues, faults: WireFaults, calls: Calls, accessKeyId: string) {
    this.#account = account
    this.#topics = new Topics(account, queues)
    this.#faults = faults
    this.#calls = calls
    this.#accessKeyId = accessKeyId
  }

  async answer(request: WireRequest): Promise<WireResponse> {
    const requestId = this.#account.uuid('sns request', ++this.#requests)
    try {
      const input = parseQuery(request.body)
      const action = optionalText(input, 'Action') ?? ''
      return response(200, requestId, resultXml(action, requestId, await this.#perform(action, input, request)))
    } catch (error) {
      if (error instanceof ResetConnection) throw error
      const answered = error instanceof WireError ? error : new WireError('InternalError', String(error), 'InternalError', 500, 'Receiver')
      return response(answered.status, requestId, errorXml(requestId, answered))
    }
  }

  async #perform(name: string, input: Input, { headers, signal }: WireRequest): Promise<object> {
    const resource = resourceOf(input)
    this.#calls.add(name, resource)
    const { region } = signerOf(headers, this.#accessKeyId)
    const action = snsActions.get(name)
    if (action === undefined) throw new WireError('InvalidAction', `The action ${name} is not valid for this endpoint.`)
    const strike = this.#faults.strike(name, resource)
    await strike.before(signal)
    const trace = headers['x-amzn-trace-id']
    const result = act(action, { topics: this.#topics, region, input, traceHeader: typeof trace === 'string' ? trace : undefined }, strike)
    await strike.after(signal)
    return result
  }
}

/** Entries that a fault fails are not published. */
function act(action: SnsAction, call: SnsCall, strike: Strike): object {
  const failing = strike.failing()
  if (failing.size === 0) return action(call)
  const { kept, failed } = withoutFailing(members(call.input, 'PublishBatchRequestEntries'), failing)
  const rest = { ...call, input: { ...call.input, PublishBatchRequestEntries: { member: Object.fromEntries(kept.map((entry, index) => [index + 1, entry])) } } }
  const result: { readonly Successful?: object[]; readonly Failed?: object[] } = kept.length === 0 ? {} : action(rest)
  const ours = failed.map(([entry, error]) => failedEntry(optionalText(entry, 'Id') ?? '', error))
  return { Successful: result.Successful ?? [], Failed: [...(result.Failed ?? []), ...ours] }
}

/** The name of the topic that a request is about; empty if it is about none. */
function resourceOf(input: Input): string {
  const { TopicArn, TargetArn, ResourceArn, SubscriptionArn, Name } = input
  for (const arn of [TopicArn, TargetArn, ResourceArn]) if (typeof arn === 'string') return nameInArn(arn)
  if (typeof SubscriptionArn === 'string') return SubscriptionArn.split(':')[5] ?? ''
  return typeof Name === 'string' ? Name : ''
}

function response(status: number, requestId: string, body: string): WireResponse {
  return { status, headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }, body }
}
