import type { Endpoint } from '@busbar/core/driver'
import { limits } from './limits.ts'

/** A stream by its physical name. */
export interface StreamName {
  readonly name: string
  /** Where the route names the stream by its ARN: it may be another account's. */
  readonly arn: string | undefined
  readonly region: string | undefined
}

/** The stream that an endpoint's name stands for: a name or an ARN. */
export function streamOf(name: string): StreamName {
  const [arn, region, own] = /^arn:[a-z0-9-]+:kinesis:([a-z0-9-]+):\d{12}:stream\/(.*)$/s.exec(name) ?? []
  return arn === undefined ? { name, arn: undefined, region: undefined } : { name: own ?? '', arn, region }
}

/** For texts, and to tell whether two endpoints are one stream. */
export function addressOf({ name, arn }: StreamName): string {
  return `stream ${arn ?? name}`
}

/** How calls name the stream. By its name where it has one: some servers know no ARNs. */
export function identify({ name, arn }: StreamName): { readonly StreamName: string } | { readonly StreamARN: string } {
  return arn === undefined ? { StreamName: name } : { StreamARN: arn }
}

/** Why a name is illegal; `undefined` if all is well. */
export function nameProblem(endpoint: Endpoint, stream: StreamName, region: string | undefined): string | undefined {
  const problem = characterProblem(stream.name)
  if (problem !== undefined) return problem
  if (region !== undefined && stream.region !== undefined && stream.region !== region)
    return `${endpoint.name.slice(0, 200)} is in the region ${stream.region}, and the driver works in ${region}`
  return undefined
}

/** Why neither a stream nor a consumer may have this name; `undefined` if they may. */
export function characterProblem(name: string): string | undefined {
  if (/^[A-Za-z0-9_.-]+$/.test(name) && name.length <= limits.nameLength) return undefined
  return `the name ${name.slice(0, 100)} is not 1 to ${limits.nameLength} letters, digits, dots, hyphens and underscores`
}
