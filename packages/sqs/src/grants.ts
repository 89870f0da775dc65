export interface IamStatement {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A policy document of IAM. */
export interface IamPolicy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly IamStatement[]
}

/** Actions by resource. */
export class Grants {
  readonly #actions: Map<string, Set<string>> = new Map()
  readonly #conditions: Map<string, NonNullable<IamStatement['Condition']>> = new Map()

  allow(resource: string, ...actions: readonly string[]): void {
    const known = this.#actions.get(resource) ?? new Set()
    this.#actions.set(resource, known)
    for (const action of actions) known.add(action)
  }

  /** `key`: an id, an ARN or an alias. Policies cannot name an alias as their resource. `queueArn`: of a queue in the same account and region. */
  allowKey(key: string, queueArn: string, ...actions: readonly string[]): void {
    if (key.startsWith('arn:') && key.includes(':key/')) return this.allow(key, ...actions)
    const alias = /(?:^|:)(alias\/.*)$/s.exec(key)?.[1]
    const [, partition = '', , region = '', account = ''] = queueArn.split(':')
    const arn = `arn:${partition}:kms:${region}:${account}:key/${alias === undefined ? key : '*'}`
    if (alias === undefined) return this.allow(arn, ...actions)
    const resource = `${arn} ${alias}`
    this.allow(resource, ...actions)
    this.#conditions.set(resource, { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } })
  }

  /** Resources with the same actions together. */
  policy(): IamPolicy {
    return { Version: '2012-10-17', Statement: this.#statements() }
  }

  #statements(): readonly IamStatement[] {
    const statements = new Map<string, { Action: string[]; Resource: string[]; Condition?: NonNullable<IamStatement['Condition']> }>()
    for (const [resource, actions] of this.#actions) {
      const Condition = this.#conditions.get(resource)
      const Action = [...actions].toSorted()
      const group = `${Action.join()} ${JSON.stringify(Condition)}`
      const arn = resource.split(' ', 1)[0] ?? resource
      const statement = statements.get(group)
      if (statement === undefined) statements.set(group, { Action, Resource: [arn], ...(Condition !== undefined && { Condition }) })
      else if (!statement.Resource.includes(arn)) statement.Resource.push(arn)
    }
    return [...statements.values()].map((statement) => ({ Effect: 'Allow', ...statement }))
  }
}
