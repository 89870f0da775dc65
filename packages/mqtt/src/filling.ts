import type { AddressParameters, AddressTemplate, Endpoint } from '@busbar/core/driver'
import { isOfNotes, notesText, topicProblem } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { filterOf, overlap, templateOf } from './templates.ts'

/** How the topics of messages are filled. */
export interface Filling {
  readonly template: AddressTemplate
  /** Why a message cannot be sent to the filled topic. */
  readonly problemOf: (topic: string, values: AddressParameters) => string | undefined
}

/** ActiveMQ, which has 3.1.1 alone, takes the one for a list of topics, and what follows the other for options. */
const meaningful = /[,?]/
/** It cuts them off. */
const outerBlanks = /^\s|\s$/

export function fillingOf(endpoint: Endpoint, options: ResolvedOptions): Filling | undefined {
  const template = templateOf(endpoint)
  return template && { template, problemOf: (topic, values) => filledProblem(topic, values, options) }
}

/** Why an endpoint with a template cannot be served; `undefined` if all is well, or it has none. */
export function templateProblem(endpoint: Endpoint, options: ResolvedOptions): string | undefined {
  const template = templateOf(endpoint)
  if (template === undefined) return undefined
  const fixed = endpoint.subscription?.parameters ?? {}
  // A value in place of those that nobody knows yet.
  const problem = filledProblem(template.pattern('x', fixed), fixed, options)
  if (problem !== undefined) return problem
  const read = notesOf(options).find((notes) => overlap(filterOf(endpoint), notes))
  return read === undefined ? undefined : `its topics can be those of ${read}, which belong to the driver's notes`
}

function filledProblem(topic: string, values: AddressParameters, options: ResolvedOptions): string | undefined {
  if (isOfNotes(topic, options)) return notesText(options)
  if (options.protocolVersion === 4 && (outerBlanks.test(topic) || Object.values(values).some((value) => meaningful.test(value))))
    return "a parameter holds ',' or '?', or a blank where the topic begins or ends: ActiveMQ, which MQTT 3.1.1 does not tell from other brokers, takes them for more than a part of the name; encode it"
  return topicProblem(topic)
}

function notesOf({ notesTopic }: ResolvedOptions): readonly string[] {
  return ['sessions/+/+', 'asks/+/+', 'probes/+', 'replies/+'].map((rest) => `${notesTopic}/${rest}`)
}
