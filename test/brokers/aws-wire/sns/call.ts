import { optionalText, type Input } from '../input.ts'
import { invalidParameter } from './errors.ts'
import type { Topic } from './topic.ts'
import type { Topics } from './topics.ts'

/** One request to SNS. */
export interface SnsCall {
  readonly topics: Topics
  readonly region: string
  readonly input: Input
  /** Of AWS X-Ray. */
  readonly traceHeader: string | undefined
}

/** Does one action; its result is what the service answers, without what is `undefined`. */
export type SnsAction = (call: SnsCall) => object

/** Throws `InvalidParameter` if it is absent. */
export function required(input: Input, name: string): string {
  const value = optionalText(input, name)
  if (value === undefined || value === '') throw invalidParameter(name)
  return value
}

export function topicOf({ topics, region, input }: SnsCall): Topic {
  return topics.at(region, required(input, 'TopicArn'))
}
